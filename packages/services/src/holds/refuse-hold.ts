import { ShortText } from '@taskgate/contracts';
import { createId } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeHold, lockHoldFor } from './change-hold.ts';
import { type HoldView, toHoldViews } from './to-hold-view.ts';

const RefuseHoldInput = z.object({ id: z.string().max(60), reason: ShortText });

/** One no refuses the statement, whoever else said yes. */
export async function refuseHold(ctx: ServiceContext, input: z.input<typeof RefuseHoldInput>): Promise<HoldView> {
  const caller = requirePerson(ctx, 'grant:review');
  const { id, reason } = parseInput(RefuseHoldInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:review');
    const before = await lockHoldFor(tx, actor, id, 'refuse', now);
    const after = await changeHold(tx, ctx, before, 'refused', {
      now,
      action: 'hold.refuse',
      answer: {
        id: createId('apr', now, ctx.services.randomBytes),
        holdId: id,
        userId: actor.identityId,
        outcome: 'refused',
        comment: reason,
        at: new Date(now),
      },
    });
    return (await toHoldViews(tx, actor, [after], now))[0]!;
  });
}
