import { type GroupRights, ROLES, type Role, SCOPES, type Scope, scopesOfGroup } from '@taskgate/core';

/** What an identity may do: the only thing that the code after authentication looks at. */
export interface Principal {
  readonly groups: readonly string[];
  readonly roles: readonly Role[];
  readonly scopes: readonly Scope[];
}

/**
 * Roles and scopes come from groups. `limitedTo` are the scopes of the API token in use: they narrow and never add. Roles that are
 * not known give nothing.
 */
export function buildPrincipal(
  groups: readonly ({ readonly name: string } & GroupRights)[],
  limitedTo: readonly string[] | null,
): Principal {
  const roles = ROLES.filter((role) => groups.some((group) => group.roles.includes(role)));
  const given = new Set(groups.flatMap((group) => scopesOfGroup(group)));
  const scopes = SCOPES.filter((scope) => given.has(scope) && (limitedTo === null || limitedTo.includes(scope)));
  return { groups: groups.map((group) => group.name).sort(), roles, scopes };
}
