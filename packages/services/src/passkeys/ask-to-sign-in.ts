import type { Services } from '../context.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';
import { openChallenge, type RequestOptionsView, toRequestOptions } from './challenge.ts';

/** A question to whoever's passkey: the answer says who signs in. Throws `rate-limited`, `not-supported`. */
export async function askToSignIn(services: Services, { address }: ClientFacts): Promise<RequestOptionsView> {
  return withTransaction({ services }, async (tx) => {
    const challenge = await openChallenge(tx, services, { purpose: 'sign-in', identityId: null, subject: address });
    return toRequestOptions(tx, services, challenge, null);
  });
}
