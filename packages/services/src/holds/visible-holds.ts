import type { Prisma } from '@taskgate/db';
import type { IdentityActor } from '../context.ts';

/** The rows for which `isVisibleHold` is true. */
export function visibleHolds(actor: IdentityActor): Prisma.HoldWhereInput {
  if (actor.scopes.includes('session:read')) return {};
  const or: Prisma.HoldWhereInput[] = [];
  if (actor.scopes.includes('grant:request')) or.push({ grant: { ownerIds: { has: actor.identityId } } });
  if (actor.scopes.includes('grant:review')) or.push({ approverGroups: { hasSome: [...actor.groups] } });
  return { OR: or };
}
