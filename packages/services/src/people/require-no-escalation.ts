import { type GroupRights, type Scope, scopesOfGroup, TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import type { NamedRights } from './rights-of.ts';

/**
 * Whoever may change people gives nobody what they do not have themself, and takes no part in what is beyond them: else
 * `people:write` alone would be every scope there is. The role `admin` is trusted with all of it, and so is the product
 * itself. Throws `forbidden`.
 */
export function requireNoEscalation(ctx: ServiceContext, groups: readonly NamedRights[]): void {
  const { actor } = ctx;
  if (actor.kind === 'system' || actor.roles.includes('admin')) return;
  for (const group of groups) {
    const beyond = beyondOf(actor.scopes, group);
    if (beyond !== undefined)
      throw new TaskgateError(
        'forbidden',
        `\`${group.name}\` gives ${beyond}, which you do not have; ask somebody with the role \`admin\``,
      );
  }
}

/** For what is a way to become anybody at all. `what` says which. Throws `forbidden`. */
export function requireAdmin(ctx: ServiceContext, what: string): void {
  const { actor } = ctx;
  if (actor.kind === 'system' || actor.roles.includes('admin')) return;
  throw new TaskgateError('forbidden', `${what}; ask somebody with the role \`admin\``);
}

function beyondOf(own: readonly Scope[], group: GroupRights): string | undefined {
  // The role is more than its scopes: it is what this check asks for.
  if (group.roles.includes('admin')) return 'the role `admin`';
  const scope = scopesOfGroup(group).find((one) => !own.includes(one));
  return scope === undefined ? undefined : `the scope \`${scope}\``;
}
