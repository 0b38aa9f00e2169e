import { contract } from '@taskgate/contracts';
import { createId, TaskgateError } from '@taskgate/core';
import { holdContent } from '../approvals/approval-content.ts';
import { signatureFor } from '../approvals/sign-approval.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { checkAssertion } from '../passkeys/check-assertion.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeHold, lockHoldFor } from './change-hold.ts';
import type { HoldRow } from './hold-row.ts';
import { type HoldView, toHoldViews } from './to-hold-view.ts';

/** One yes to exactly the statement that was shown, signed where a passkey must; the last one needed approves it. */
export async function approveHold(ctx: ServiceContext, input: unknown): Promise<HoldView> {
  const caller = requirePerson(ctx, 'grant:review');
  const { id, binding, comment, assertion } = parseInput(inputOf(contract.holds.approve), input);
  const question = { purpose: 'approve-hold', identityId: caller.identityId, subject: id } as const;
  const checked = assertion === null ? null : await checkAssertion(ctx.services, assertion, question);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:review');
    const before = await lockHoldFor(tx, actor, id, 'approve', now);
    requireShown(before, binding);
    const signature = await signatureFor(tx, ctx, actor, {
      assertion: checked,
      required: before.stepUp,
      comment,
      path: `/inbox?sel=${id}`,
      contentOf: (said) => holdContent(tx, before, said),
    });
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
        ...(signature === undefined ? {} : { signature: { create: signature } }),
      },
    });
    return (await toHoldViews(tx, actor, [after], now))[0]!;
  });
}

/** What was read on the page is what is approved, or nothing is. */
export function requireShown(row: Pick<HoldRow, 'binding'>, binding: string): void {
  if (row.binding !== binding)
    throw new TaskgateError('conflict', 'this is not the statement that waits here; look at it again');
}
