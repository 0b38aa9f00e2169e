import 'server-only';
import {
  authenticateApiToken,
  authenticateGrantToken,
  type ClientFacts,
  checkWebSession,
  endWebSession,
  type IdentityActor,
  loadMe,
  loadSignInChoices,
  passkeySite,
  redeemSignIn,
  signIn,
  signInWithPasskey,
} from '@taskgate/services';
import { env } from '@/env.ts';
import type { Session } from './me.tsx';
import { log, services } from './services.ts';

/** What next-auth and the pages need of the services, on the one set of this process. */
export async function startSignIn(
  input: { email: string; password: string; previousSessionId: string | null },
  client: ClientFacts,
): Promise<{ webSessionId: string }> {
  return signIn(await services(), input, client);
}

/** `assertion`: the passkey's answer, as the browser sent it. Throws `wrong-passkey`, and `bad-input` for what is none. */
export async function startPasskeySignIn(
  input: { assertion: unknown; previousSessionId: string | null },
  client: ClientFacts,
): Promise<{ webSessionId: string }> {
  return signInWithPasskey(await services(), input, client);
}

/** Where passkeys work; `null`: nowhere, as this web has no name. */
export function passkeyOrigin(): string | null {
  try {
    return passkeySite(env()).origin;
  } catch {
    return null;
  }
}

/** The providers that the sign-in page offers; none where the store does not answer, and passwords fail by themselves. */
export async function signInChoices(): Promise<readonly { readonly name: string; readonly title: string }[]> {
  try {
    return await loadSignInChoices(await services());
  } catch (error) {
    log.warn('the sign-in providers cannot be read', { error: String(error) });
    return [];
  }
}

/** The one-time code of a sign-in at a provider, for a session. */
export async function startProvenSignIn(
  input: { code: string; browser: string | null; previousSessionId: string | null },
  client: ClientFacts,
): Promise<{ webSessionId: string }> {
  return redeemSignIn(await services(), input, client);
}

export async function endSignIn(webSessionId: string): Promise<void> {
  const opened = await services();
  const actor = await checkWebSession(opened, webSessionId);
  if (actor) await endWebSession({ services: opened, actor }, { id: webSessionId });
}

export const actorOfWebSession = async (webSessionId: string): Promise<IdentityActor | null> =>
  checkWebSession(await services(), webSessionId);

/** Of an API token, or of a grant's token, which reaches that grant's own tree. */
export async function actorOfBearerToken(token: string): Promise<IdentityActor | null> {
  const opened = await services();
  return (await authenticateApiToken(opened, token)) ?? authenticateGrantToken(opened, token);
}

export async function sessionOf(actor: IdentityActor): Promise<Session> {
  return { me: await loadMe({ services: await services(), actor }), demo: env().demo };
}
