import { SecretValue } from '@taskgate/core';
import { createToken, hashToken, isToken, type SignInProof } from '@taskgate/identity';
import type { Services } from '../context.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { PROVIDER_SELECT, type ProviderRow } from '../providers/provider-row.ts';
import { withTransaction } from '../with-transaction.ts';
import { identifyPerson, NotIdentified } from './identify-person.ts';
import { refuseSignIn } from './sign-in-refused.ts';

/** From the click to the provider's answer: people look for their second factor. */
export const SIGN_IN_FLOW_MS = 10 * 60_000;
/** From the answer to the use of its code, which the page does by itself. */
export const SIGN_IN_CODE_MS = 60_000;

export interface TakenFlow {
  readonly id: string;
  readonly next: string;
  readonly sealedSecrets: Uint8Array | null;
  readonly requestKey: string;
  readonly startedById: string | null;
}

/** What a sign-in hands on to the one place where sessions begin. */
export interface ProvenSignIn {
  /** Worth a session within a minute, once, in the browser that began. */
  readonly code: string;
  readonly next: string;
}

/** The sealed values of a flow are bound to it. */
export const flowContext = (flowId: string): string => `sign-in-flow:${flowId}`;

export const browserHashOf = (browser: string | null): Uint8Array<ArrayBuffer> | null =>
  browser !== null && isToken(browser, 'browser') ? hashToken(new SecretValue(browser)) : null;

/** The provider of that name that is enabled. Throws {@link SignInRefused}. */
export async function findEnabledProvider(services: Services, name: string, client: ClientFacts): Promise<ProviderRow> {
  const row = await services.db.signInProvider.findUnique({ where: { name }, select: PROVIDER_SELECT });
  if (row?.enabled) return row;
  const reason = row === null ? 'there is no such provider' : 'the provider is turned off';
  throw await refuseSignIn(services, { provider: name.slice(0, 63), refusal: 'no-such-provider', reason }, client);
}

/**
 * The sign-in that an answer is about, taken for good: a second answer finds none. `browser`: its cookie, where the answer
 * comes with one (a form that another site posts does not; there it is asked for with the code). Throws {@link SignInRefused}.
 */
export async function takeFlow(
  services: Services,
  provider: ProviderRow,
  request: { readonly key: string | null; readonly browser: string | null | 'asked-later' },
  client: ClientFacts,
): Promise<TakenFlow> {
  const now = new Date(services.clock.now());
  const flow =
    request.key === null ? null : await services.db.signInFlow.findUnique({ where: { requestKey: request.key } });
  const refuse = (refusal: 'started-elsewhere' | 'too-late' | 'answer-not-valid', reason: string) =>
    refuseSignIn(services, { provider: provider.name, refusal, reason }, client);
  if (flow === null) throw await refuse('started-elsewhere', 'no sign-in that is under way asked for this answer');
  if (flow.providerId !== provider.id)
    throw await refuse('answer-not-valid', 'the answer came to the address of another provider than was asked');
  if (request.browser !== 'asked-later' && !sameBytes(browserHashOf(request.browser), flow.browserHash))
    throw await refuse('started-elsewhere', 'the answer came by another browser than began the sign-in');
  if (flow.expiresAt <= now) throw await refuse('too-late', 'the answer came after ten minutes');
  const { count } = await services.db.signInFlow.updateMany({
    where: { id: flow.id, answeredAt: null },
    data: { answeredAt: now },
  });
  if (count !== 1) throw await refuse('answer-not-valid', 'this sign-in has been answered already');
  return flow;
}

/** Who the proof is about, here, and the code for it. No audit row: identifyPerson writes what it changes. Throws {@link SignInRefused}. */
export async function acceptProof(
  services: Services,
  provider: ProviderRow,
  flow: TakenFlow,
  proof: SignInProof,
  client: ClientFacts,
): Promise<ProvenSignIn> {
  const code = createToken('code', services.randomBytes);
  try {
    await withTransaction(
      { services },
      async (tx) => {
        const identityId = await identifyPerson(tx, services, provider, proof, flow.startedById);
        await tx.signInFlow.update({
          where: { id: flow.id },
          data: {
            identityId,
            codeHash: hashToken(code),
            expiresAt: new Date(services.clock.now() + SIGN_IN_CODE_MS),
          },
        });
      },
      { alone: 'people' },
    );
  } catch (error) {
    if (!(error instanceof NotIdentified)) throw error;
    const { subject, email, emailVerified } = proof;
    const { refusal, message: reason, identityId } = error;
    const claims = { subject, email, emailVerified };
    throw await refuseSignIn(services, { provider: provider.name, refusal, reason, identityId, claims }, client);
  }
  return { code: code.reveal((text) => text), next: flow.next };
}

export function sameBytes(left: Uint8Array | null, right: Uint8Array | null): boolean {
  return left !== null && right !== null && Buffer.compare(left, right) === 0;
}
