import type { Prisma } from '@taskgate/db';
import type { UserActor } from '../context.ts';

/** The rows for which `isVisibleHold` is true. */
export function visibleHolds(actor: UserActor): Prisma.HoldWhereInput {
  if (actor.scopes.includes('session:read')) return {};
  const or: Prisma.HoldWhereInput[] = [];
  if (actor.scopes.includes('grant:request')) or.push({ grant: { userId: actor.userId } });
  if (actor.scopes.includes('grant:review')) or.push({ approverGroups: { hasSome: [...actor.groups] } });
  return { OR: or };
}
