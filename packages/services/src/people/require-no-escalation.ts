import { type GroupRights, type Scope, scopesOfGroup, TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import type { NamedRights } from './rights-of.ts';

/**
 * Whoever may change people gives nobody what they do not have themself, and becomes nobody who has it: else `people:write`
 * alone would be every scope there is, and every task, approval and recording that goes by the name of a group. So they
 * have all of a group's scopes, and are in it. The role `admin` is trusted with all of it, and so is the product itself.
 * Throws `forbidden`.
 */
export function requireNoEscalation(ctx: ServiceContext, groups: readonly NamedRights[]): void {
  requireNoMore(ctx, groups);
  const { actor } = ctx;
  if (actor.kind === 'system' || actor.roles.includes('admin')) return;
  const other = groups.find((group) => group.machine !== true && !actor.groups.includes(group.name));
  if (other !== undefined)
    throw new TaskgateError('forbidden', `you are not in \`${other.name}\`; ask somebody with the role \`admin\``);
}

/**
 * For what only ends something, and makes nobody a member or anybody else: no scope of the groups is beyond the caller's.
 * Throws `forbidden`.
 */
export function requireNoMore(ctx: ServiceContext, groups: readonly NamedRights[]): void {
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
