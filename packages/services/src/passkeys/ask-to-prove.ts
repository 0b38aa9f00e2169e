import type { ServiceContext } from '../context.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { openChallenge, type RequestOptionsView, toRequestOptions } from './challenge.ts';

/** A question to a passkey of the caller's, whose answer shows that it is they. */
export async function askToProve(ctx: ServiceContext): Promise<RequestOptionsView> {
  const { identityId } = requirePerson(ctx);
  return withTransaction(ctx, async (tx) => {
    const challenge = await openChallenge(tx, ctx.services, { purpose: 'prove', identityId, subject: '' });
    return toRequestOptions(tx, ctx.services, challenge, identityId);
  });
}
