import type { SignInRefusal } from '@taskgate/core';
import { ADDRESS_LIMITS } from '@taskgate/identity';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { type ClientFacts, countAttemptOn } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';

/** Who has nobody to be refused as yet: what a provider said is all that is known of them. */
export const SIGN_IN_ACTOR = { kind: 'system', via: 'sign-in' } as const;

/** A sign-in that came to nothing. The person is told `refusal` and `reference`; the rest is for the audit. */
export class SignInRefused extends Error {
  override readonly name = 'SignInRefused';
  readonly refusal: SignInRefusal;
  /** Id of the audit row with the whole reason; `null` where none was written. */
  readonly reference: string | null;

  constructor(refusal: SignInRefusal, reference: string | null) {
    super(refusal);
    this.refusal = refusal;
    this.reference = reference;
  }
}

/** What is known of a refused sign-in, for the audit: nothing of it is a secret, and nothing of it reaches the person. */
export interface RefusalFacts {
  /** Name of the provider, as it was asked for. */
  readonly provider: string;
  readonly refusal: SignInRefusal;
  readonly reason: string;
  readonly identityId?: string | undefined;
  /** What the provider said of them. */
  readonly claims?: object | undefined;
}

/**
 * Writes why, and gives what to throw. Anybody can make sign-ins fail, and audit rows stay for good: an address that does
 * so over and over gets no more of them for a while.
 */
export async function refuseSignIn(
  services: Services,
  facts: RefusalFacts,
  client: ClientFacts,
): Promise<SignInRefused> {
  const ctx: ServiceContext = { services, actor: SIGN_IN_ACTOR };
  return withTransaction(ctx, async (tx) => {
    const wait = await countAttemptOn(tx, `sign-in:${client.address}`, ADDRESS_LIMITS, services.clock.now());
    if (wait > 0) return new SignInRefused('too-many', null);
    const reference = await emitAudit(tx, ctx, {
      action: 'user.sign-in-refused',
      subjectKind: 'user',
      subject: facts.identityId ?? 'unknown',
      before: null,
      after: {
        provider: facts.provider,
        refusal: facts.refusal,
        reason: facts.reason,
        claims: facts.claims ?? null,
        address: client.address,
        userAgent: client.userAgent,
      },
    });
    return new SignInRefused(facts.refusal, reference);
  });
}
