import { contract } from '@taskgate/contracts';
import { holdContent } from '../approvals/approval-content.ts';
import { askForSignature } from '../approvals/sign-approval.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import type { RequestOptionsView } from '../passkeys/challenge.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireShown } from './approve-hold.ts';
import { lockHoldFor } from './change-hold.ts';

/** The question whose answer is the reviewer's signature over exactly this statement. */
export async function askToSignHold(ctx: ServiceContext, input: unknown): Promise<RequestOptionsView> {
  const actor = requirePerson(ctx, 'grant:review');
  const { id, binding, comment } = parseInput(inputOf(contract.holds.askToSign), input);
  const question = { purpose: 'approve-hold', identityId: actor.identityId, subject: id } as const;
  return withTransaction(ctx, async (tx) => {
    const row = await lockHoldFor(tx, actor, id, 'approve', ctx.services.clock.now());
    requireShown(row, binding);
    return askForSignature(tx, ctx, actor, question, comment, (said) => holdContent(tx, row, said));
  });
}
