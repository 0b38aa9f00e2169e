import { contract } from '@taskgate/contracts';
import { grantContent } from '../approvals/approval-content.ts';
import { askForSignature } from '../approvals/sign-approval.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import type { RequestOptionsView } from '../passkeys/challenge.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { lockGrantFor } from './change-grant.ts';

/** The question whose answer is the reviewer's signature over exactly this activation. */
export async function askToSignGrant(ctx: ServiceContext, input: unknown): Promise<RequestOptionsView> {
  const actor = requirePerson(ctx, 'grant:review');
  const { id, ttlMs, comment } = parseInput(inputOf(contract.grants.askToSign), input);
  const question = { purpose: 'approve-grant', identityId: actor.identityId, subject: id } as const;
  return withTransaction(ctx, async (tx) => {
    const row = await lockGrantFor(tx, actor, id, 'approve', ctx.services.clock.now());
    return askForSignature(tx, ctx, actor, question, comment, (said) =>
      grantContent(tx, row, ttlMs ?? row.ttlMs, said),
    );
  });
}
