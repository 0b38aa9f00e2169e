import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeHold, lockHoldFor } from './change-hold.ts';
import { type HoldView, toHoldViews } from './to-hold-view.ts';

const ById = z.object({ id: z.string().max(60) });

/** Whose statement it is does not want it any more. */
export async function cancelHold(ctx: ServiceContext, input: z.input<typeof ById>): Promise<HoldView> {
  const actor = requireIdentity(ctx, 'grant:request');
  const { id } = parseInput(ById, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockHoldFor(tx, actor, id, 'cancel', now);
    const after = await changeHold(tx, ctx, before, 'cancelled', { now, action: 'hold.cancel' });
    return (await toHoldViews(tx, actor, [after], now))[0]!;
  });
}
