import { Assertion } from '@taskgate/contracts';
import * as z from 'zod';
import type { Services } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { wrongPasskey } from '../passkeys/challenge.ts';
import { checkAssertion, requireStillRegistered } from '../passkeys/check-assertion.ts';
import { withTransaction } from '../with-transaction.ts';
import { type MeView, toMe } from './load-me.ts';
import { openWebSession } from './open-web-session.ts';
import { USER_SELECT } from './user-view.ts';
import { type ClientFacts, countAttempts, forgiveAttempts, recordFailure } from './verify-sign-in.ts';

const SignInWithPasskeyInput = z.object({
  assertion: Assertion,
  previousSessionId: z.string().max(60).nullable().default(null),
});

/**
 * The browser's sign-in by a passkey alone: it says who it is, and has verified that they use it. One message for every
 * way to be wrong. Throws `wrong-passkey`, `rate-limited`.
 */
export async function signInWithPasskey(
  services: Services,
  input: { readonly assertion: unknown; readonly previousSessionId?: string | null },
  client: ClientFacts,
): Promise<{ readonly webSessionId: string; readonly user: MeView }> {
  const { assertion, previousSessionId } = parseInput(SignInWithPasskeyInput, input);
  const keys = { email: `passkey:${assertion.id.slice(0, 100)}`, address: `address:${client.address}` };
  await countAttempts(services, keys);
  const question = { purpose: 'sign-in', identityId: null, subject: client.address } as const;
  const checked = await checkAssertion(services, assertion, question).catch(async (error: unknown) => {
    await recordFailure(services, null, client);
    throw error;
  });
  const userId = checked.passkey.identityId;
  const started = await withTransaction({ services }, async (tx) => {
    // Who is being disabled at this moment is disabled first, or signed out after.
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${userId} FOR UPDATE`;
    await requireStillRegistered(tx, checked);
    const user = await tx.identity.findUniqueOrThrow({ where: { id: userId }, select: USER_SELECT });
    if (user.disabledAt !== null) return user;
    await forgiveAttempts(tx, keys);
    const whose = { user, previousSessionId, provider: null, passkey: checked.passkey.id };
    const { webSessionId, actor } = await openWebSession(tx, services, whose, client);
    return { webSessionId, user: toMe(actor) };
  });
  if ('webSessionId' in started) return started;
  await recordFailure(services, started, client);
  throw wrongPasskey('this passkey is not known here, or its answer is not right; try another one');
}
