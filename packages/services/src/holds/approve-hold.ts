import { createId, TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeHold, lockHoldFor } from './change-hold.ts';
import { type HoldView, toHoldViews } from './to-hold-view.ts';

const ApproveHoldInput = z.object({
  id: z.string().max(60),
  /** The one that was shown: hex SHA-256. */
  binding: z.string().length(64),
  comment: z.string().trim().max(500).nullable().default(null),
});

/** One yes to exactly the statement that was shown; the last one needed approves it. */
export async function approveHold(ctx: ServiceContext, input: z.input<typeof ApproveHoldInput>): Promise<HoldView> {
  const actor = requirePerson(ctx, 'grant:review');
  const { id, binding, comment } = parseInput(ApproveHoldInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockHoldFor(tx, actor, id, 'approve', now);
    // What was read on the page is what is approved, or nothing is.
    if (before.binding !== binding)
      throw new TaskgateError('conflict', 'this is not the statement that waits here; look at it again');
    const yes = before.approvals.filter((answer) => answer.outcome === 'approved').length + 1;
    const after = await changeHold(tx, ctx, before, yes >= before.approvalsNeeded ? 'approved' : 'waiting', {
      now,
      action: 'hold.approve',
      answer: {
        id: createId('apr', now, ctx.services.randomBytes),
        holdId: id,
        userId: actor.identityId,
        outcome: 'approved',
        comment,
        at: new Date(now),
      },
    });
    return (await toHoldViews(tx, actor, [after], now))[0]!;
  });
}
