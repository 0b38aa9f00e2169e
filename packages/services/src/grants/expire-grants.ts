import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant } from './change-grant.ts';
import { lockGrant } from './grant-row.ts';

/** A turn's work; the next turn goes on. */
const MAX_PER_TURN = 200;

/**
 * Ends every grant whose time is over, requests and unused approvals included. Run by a timer; several gateways may run
 * it at once. Returns how many it ended.
 */
export async function expireGrants(ctx: ServiceContext): Promise<number> {
  requireSystem(ctx, 'timer', 'gateway');
  const at = new Date(ctx.services.clock.now());
  const due = await ctx.services.db.grant.findMany({
    where: {
      OR: [
        { state: 'active', expiresAt: { lte: at } },
        { state: { in: ['requested', 'approved'] }, requestExpiresAt: { lte: at } },
      ],
    },
    select: { id: true },
    take: MAX_PER_TURN,
  });
  let ended = 0;
  for (const { id } of due) if (await expireGrant(ctx, id)) ended++;
  return ended;
}

async function expireGrant(ctx: ServiceContext, id: string): Promise<boolean> {
  try {
    return await withTransaction(ctx, async (tx) => {
      const row = await lockGrant(tx, id);
      if (row === null || row.state === 'ended') return false;
      await changeGrant(tx, ctx, row, { kind: 'expire' }, { now: ctx.services.clock.now(), action: 'grant.expire' });
      return true;
    });
  } catch (error) {
    // Another gateway's timer, or its person, was first.
    if (error instanceof TaskgateError && (error.code === 'invalid-state' || error.code === 'conflict')) return false;
    throw error;
  }
}
