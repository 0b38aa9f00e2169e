import type { Prisma } from '@taskgate/db';
import type { IdentityActor } from '../context.ts';
import { reachedGrants, reaches } from './grant-reach.ts';
import type { GrantRow } from './grant-row.ts';

/** Whoever ends or audits anybody's grant sees every grant. */
const seesAll = (actor: IdentityActor): boolean =>
  actor.scopes.includes('grant:revoke') || actor.scopes.includes('session:read');

/**
 * The grants that the person may see: their own with all below them, those that their groups are asked about, or all.
 * By a grant's token, no more than that grant and what is below it.
 */
export function visibleGrants(actor: IdentityActor): Prisma.GrantWhereInput {
  if (seesAll(actor)) return reachedGrants(actor);
  const or: Prisma.GrantWhereInput[] = [];
  if (actor.scopes.includes('grant:request')) or.push({ ownerIds: { has: actor.identityId } });
  // What an agent does for somebody is theirs to see, and to end.
  or.push({ authorityIds: { has: actor.identityId }, NOT: { ownerIds: { has: actor.identityId } } });
  if (actor.scopes.includes('grant:review')) or.push({ approverGroups: { hasSome: [...actor.groups] } });
  return { AND: [reachedGrants(actor), { OR: or }] };
}

/** The same for one row. */
export function isVisibleGrant(
  actor: IdentityActor,
  row: Pick<GrantRow, 'id' | 'ancestorIds' | 'ownerIds' | 'authorityIds' | 'approverGroups'>,
): boolean {
  if (!reaches(actor, row)) return false;
  if (seesAll(actor)) return true;
  if (row.ownerIds.includes(actor.identityId)) {
    if (actor.scopes.includes('grant:request')) return true;
  } else if (row.authorityIds.includes(actor.identityId)) return true;
  return actor.scopes.includes('grant:review') && row.approverGroups.some((group) => actor.groups.includes(group));
}
