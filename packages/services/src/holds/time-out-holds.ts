import type { ServiceContext } from '../context.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeHold } from './change-hold.ts';
import { lockHold } from './hold-row.ts';

/** A turn's work; the next turn goes on. */
const MAX_PER_TURN = 200;

/** Ends every hold that nobody decided in time. Run by a timer, by several gateways at once if need be. */
export async function timeOutHolds(ctx: ServiceContext): Promise<number> {
  requireSystem(ctx, 'timer', 'gateway');
  const { db, clock } = ctx.services;
  const due = await db.hold.findMany({
    where: { state: 'waiting', expiresAt: { lte: new Date(clock.now()) } },
    select: { id: true },
    take: MAX_PER_TURN,
  });
  let ended = 0;
  for (const { id } of due) {
    ended += await withTransaction(ctx, async (tx) => {
      const row = await lockHold(tx, id);
      if (row?.state !== 'waiting') return 0;
      await changeHold(tx, ctx, row, 'timed-out', { now: clock.now(), action: 'hold.time-out' });
      return 1;
    });
  }
  return ended;
}
