import { ROLES, type Role, type Scope, scopesOfRoles } from '@taskgate/core';

/** What an identity may do: the only thing that the code after authentication looks at. */
export interface Principal {
  readonly groups: readonly string[];
  readonly roles: readonly Role[];
  readonly scopes: readonly Scope[];
}

/**
 * Roles come from groups. `limitedTo` are the scopes of the API token in use: they narrow and never add. Roles that are
 * not known give nothing.
 */
export function buildPrincipal(
  groups: readonly { readonly name: string; readonly roles: readonly string[] }[],
  limitedTo: readonly string[] | null,
): Principal {
  const roles = ROLES.filter((role) => groups.some((group) => group.roles.includes(role)));
  const scopes = scopesOfRoles(roles).filter((scope) => limitedTo === null || limitedTo.includes(scope));
  return { groups: groups.map((group) => group.name).sort(), roles, scopes };
}
