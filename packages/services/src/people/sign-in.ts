import { Email } from '@taskgate/contracts';
import * as z from 'zod';
import type { Services } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { withTransaction } from '../with-transaction.ts';
import { type MeView, toMe } from './load-me.ts';
import { openWebSession } from './open-web-session.ts';
import { type ClientFacts, requireStillVerified, verifySignIn } from './verify-sign-in.ts';

const SignInInput = z.object({
  email: Email,
  password: z.string().min(1).max(200),
  /** The sign-in that this browser had before: it ends, so that what may have been planted there is worth nothing. */
  previousSessionId: z.string().max(60).nullable().default(null),
});

/** The browser's sign-in: a new row every time, which is checked at each request. Throws `wrong-password`, `rate-limited`. */
export async function signIn(
  services: Services,
  input: z.input<typeof SignInInput>,
  client: ClientFacts,
): Promise<{ readonly webSessionId: string; readonly user: MeView }> {
  const { email, password, previousSessionId } = parseInput(SignInInput, input);
  const verified = await verifySignIn(services, { email, password }, client);
  // No audit row: openWebSession writes it.
  return withTransaction({ services }, async (tx) => {
    await requireStillVerified(tx, verified);
    const whose = { user: verified.user, previousSessionId, provider: null, passkey: null };
    const { webSessionId, actor } = await openWebSession(tx, services, whose, client);
    return { webSessionId, user: toMe(actor) };
  });
}
