import { SecretValue, type SignInRefusal } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { Services } from '../context.ts';
import { openWebSession } from '../people/open-web-session.ts';
import { USER_SELECT } from '../people/user-view.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';
import { browserHashOf, sameBytes } from './sign-in-flow.ts';
import { refuseSignIn } from './sign-in-refused.ts';

/**
 * A provider's proof for a session of the web: once, soon, and in the browser that began, so that nobody is signed in as
 * somebody else by a link. Throws {@link SignInRefused}. No audit row: openWebSession writes it.
 */
export async function redeemSignIn(
  services: Services,
  input: {
    readonly code: string;
    readonly browser: string | null;
    /** The sign-in that this browser had before, which ends. */
    readonly previousSessionId: string | null;
  },
  client: ClientFacts,
): Promise<{ readonly webSessionId: string }> {
  const answer = await withTransaction({ services }, async (tx) => {
    const refuse = (refusal: SignInRefusal, reason: string, provider = 'unknown', identityId?: string) => ({
      refused: { refusal, reason, provider, identityId },
    });
    if (!isToken(input.code, 'code')) return refuse('too-late', 'what was presented is no code');
    const codeHash = hashToken(new SecretValue(input.code));
    const flow = await tx.signInFlow.findUnique({
      where: { codeHash },
      select: { id: true, browserHash: true, expiresAt: true, identityId: true, provider: true },
    });
    if (flow === null || flow.identityId === null) return refuse('too-late', 'the code is not known, or was used');
    const { provider, identityId } = flow;
    if (!sameBytes(browserHashOf(input.browser), flow.browserHash))
      return refuse('started-elsewhere', 'the code came by another browser than began', provider.name, identityId);
    // Whoever deletes it has it: of two at once one goes on.
    const { count } = await tx.signInFlow.deleteMany({ where: { id: flow.id, codeHash } });
    if (count !== 1) return refuse('too-late', 'the code was used', provider.name, identityId);
    if (flow.expiresAt.getTime() <= services.clock.now())
      return refuse('too-late', 'the code was a minute old', provider.name, identityId);
    if (!provider.enabled) return refuse('no-such-provider', 'the provider is turned off', provider.name, identityId);
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${identityId} FOR UPDATE`;
    const user = await tx.identity.findFirst({ where: { id: identityId, disabledAt: null }, select: USER_SELECT });
    if (user === null) return refuse('disabled', 'the person is disabled', provider.name, identityId);
    const { previousSessionId } = input;
    const { webSessionId } = await openWebSession(
      tx,
      services,
      { user, previousSessionId, provider, passkey: null },
      client,
    );
    return { webSessionId };
  });
  if ('refused' in answer) throw await refuseSignIn(services, answer.refused, client);
  return answer;
}
