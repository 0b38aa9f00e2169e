import { contract } from '@taskgate/contracts';
import { createId } from '@taskgate/core';
import { grantContent, needsSignatures } from '../approvals/approval-content.ts';
import { signatureFor } from '../approvals/sign-approval.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { checkAssertion } from '../passkeys/check-assertion.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

/** One yes to a request, signed where a passkey must; the last one needed approves it. */
export async function approveGrant(ctx: ServiceContext, input: unknown): Promise<GrantView> {
  const caller = requirePerson(ctx, 'grant:review');
  const { id, ttlMs, comment, assertion } = parseInput(inputOf(contract.grants.approve), input);
  const question = { purpose: 'approve-grant', identityId: caller.identityId, subject: id } as const;
  const checked = assertion === null ? null : await checkAssertion(ctx.services, assertion, question);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:review');
    const before = await lockGrantFor(tx, actor, id, 'approve', now);
    const signature = await signatureFor(tx, ctx, actor, {
      assertion: checked,
      required: needsSignatures(before),
      comment,
      path: `/inbox?sel=${id}`,
      contentOf: (said) => grantContent(tx, before, ttlMs ?? before.ttlMs, said),
    });
    const after = await changeGrant(
      tx,
      ctx,
      before,
      { kind: 'approve', by: actor.identityId, ttlMs },
      {
        now,
        action: 'grant.approve',
        answer: {
          id: createId('apr', now, ctx.services.randomBytes),
          grantId: id,
          userId: actor.identityId,
          outcome: 'approved',
          comment,
          ttlMs,
          at: new Date(now),
          ...(signature === undefined ? {} : { signature: { create: signature } }),
        },
      },
    );
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
