import { createHash } from 'node:crypto';
import { SecretValue } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, hashToken, ProviderError } from '@taskgate/identity';
import { newId, type Services } from '../context.ts';
import { checkWebSession } from '../people/check-web-session.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import {
  oidcIssuerOf,
  type ProviderRow,
  redirectUriOf,
  samlIdpOf,
  samlSpOf,
  settingsOf,
} from '../providers/provider-row.ts';
import { withTransaction } from '../with-transaction.ts';
import { browserHashOf, findEnabledProvider, flowContext, SIGN_IN_FLOW_MS } from './sign-in-flow.ts';
import { refuseSignIn } from './sign-in-refused.ts';

const MAX_UNDER_WAY = 100;
const SECRET_BYTES = 32;

/** The key that an answer's `state` is found by: the store has no use for the value itself. */
export const keyOfState = (state: string): string => `state:${createHash('sha256').update(state).digest('hex')}`;

/**
 * Begins a sign-in: where to send the browser, and the cookie that only this browser will have. Throws
 * {@link SignInRefused}. No audit row: nothing has been decided yet.
 */
export async function startProviderSignIn(
  services: Services,
  input: {
    readonly provider: string;
    /** A path of this site. */
    readonly next: string;
    /** The cookie of an earlier start, which is kept: two tabs sign in side by side. */
    readonly browser: string | null;
    /** The sign-in that this browser has: who is signed in as themself links this provider to that account. */
    readonly webSessionId: string | null;
  },
  client: ClientFacts,
): Promise<{ readonly url: string; readonly browser: string }> {
  const provider = await findEnabledProvider(services, input.provider, client);
  const refuse = (refusal: 'too-many' | 'provider-unreachable' | 'answer-not-valid', reason: string) =>
    refuseSignIn(services, { provider: provider.name, refusal, reason }, client);
  const tooMany = async (tx: Pick<Transaction, 'signInFlow'>): Promise<boolean> => {
    const underWay = { address: client.address, expiresAt: { gte: new Date(services.clock.now()) } };
    return (await tx.signInFlow.count({ where: underWay })) >= MAX_UNDER_WAY;
  };
  const refuseMore = () => refuse('too-many', 'a hundred sign-ins of this address are under way');
  // Before the provider is asked anything: nobody makes the gate ask it as often as they like.
  if (await tooMany(services.db)) throw await refuseMore();
  const known = browserHashOf(input.browser);
  const browser = known === null ? createToken('browser', services.randomBytes) : new SecretValue(input.browser!);
  const id = newId(services, 'flw');
  const { url, requestKey, secrets } = await prepare(services, provider).catch(async (error: unknown) => {
    if (!(error instanceof ProviderError)) throw error;
    throw await refuse(error.fault === 'unreachable' ? 'provider-unreachable' : 'answer-not-valid', error.message);
  });
  const startedBy = await checkWebSession(services, input.webSessionId);
  const at = services.clock.now();
  const begun = await withTransaction({ services }, async (tx) => {
    await tx.signInFlow.deleteMany({ where: { expiresAt: { lt: new Date(at) } } });
    if (await tooMany(tx)) return false;
    await tx.signInFlow.create({
      data: {
        id,
        providerId: provider.id,
        browserHash: hashToken(browser),
        requestKey,
        sealedSecrets:
          secrets === null ? null : new Uint8Array(services.vault.seal(new SecretValue(secrets), flowContext(id))),
        next: input.next,
        startedById: startedBy?.identityId ?? null,
        address: client.address,
        createdAt: new Date(at),
        expiresAt: new Date(at + SIGN_IN_FLOW_MS),
      },
    });
    return true;
  });
  if (!begun) throw await refuseMore();
  return { url: url.href, browser: browser.reveal((text) => text) };
}

async function prepare(
  services: Services,
  provider: ProviderRow,
): Promise<{ readonly url: URL; readonly requestKey: string; readonly secrets: string | null }> {
  const settings = settingsOf(provider);
  if (settings.kind === 'saml') {
    const { startSaml } = await import('@taskgate/identity/saml');
    // An NCName must not begin with a digit.
    const requestKey = `_${Buffer.from(services.randomBytes(SECRET_BYTES)).toString('hex')}`;
    const request = { id: requestKey, relayState: '' };
    return {
      url: await startSaml(samlIdpOf(settings), samlSpOf(services, provider.name), request),
      requestKey,
      secrets: null,
    };
  }
  const { startOidc } = await import('@taskgate/identity/oidc');
  const secret = (): string => Buffer.from(services.randomBytes(SECRET_BYTES)).toString('base64url');
  const secrets = { state: secret(), nonce: secret(), codeVerifier: secret() };
  const url = await startOidc(oidcIssuerOf(services.vault, provider, settings), {
    redirectUri: redirectUriOf(services, provider.name),
    scopes: settings.scopes,
    secrets,
  });
  return { url, requestKey: keyOfState(secrets.state), secrets: JSON.stringify(secrets) };
}
