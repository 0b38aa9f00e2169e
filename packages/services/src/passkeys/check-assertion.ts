import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import type { Assertion } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { withTransaction } from '../with-transaction.ts';
import { type Question, takeChallenge, wrongPasskey } from './challenge.ts';
import { PASSKEY_SELECT, type PasskeyRow, toPasskeyAudit } from './passkey-row.ts';
import { passkeySite } from './passkey-site.ts';

export type AssertionInput = z.output<typeof Assertion>;

/** A right answer to the question, with what was signed by it where that was more than the question itself. */
export interface CheckedAssertion {
  readonly passkey: PasskeyRow;
  readonly signed: string | null;
  readonly answer: AssertionInput['response'];
}

/**
 * Checks a passkey's answer to `question`, which is then used up, and counts the passkey's use. The caller has checked
 * who asks. Throws `wrong-passkey`, with the same words for every way to be wrong but a question that is gone.
 */
export async function checkAssertion(
  services: Services,
  assertion: AssertionInput,
  question: Question,
): Promise<CheckedAssertion> {
  const { origin, rpId } = passkeySite(services.settings);
  const { challenge, signed } = await takeChallenge(services, assertion.response.clientDataJSON, question);
  const credentialId = Buffer.from(assertion.id, 'base64url');
  const passkey = await services.db.passkey.findUnique({ where: { credentialId }, select: PASSKEY_SELECT });
  const owner = passkey?.identityId;
  const { userHandle } = assertion.response;
  if (
    passkey === null ||
    passkey.rpId !== rpId ||
    (question.identityId !== null && owner !== question.identityId) ||
    (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== owner)
  )
    throw refused();
  const counter = await countOf(assertion, { passkey, challenge, origin, rpId });

  const regressed = await withTransaction({ services }, async (tx) => {
    await tx.$queryRaw`SELECT id FROM passkeys WHERE id = ${passkey.id} FOR UPDATE`;
    const now = await tx.passkey.findUnique({ where: { id: passkey.id }, select: PASSKEY_SELECT });
    if (now === null) throw refused();
    // WebAuthn section 6.1.1: a count that does not grow says that there is a copy of the key.
    if ((counter > 0n || now.counter > 0n) && counter <= now.counter) {
      await emitAudit(
        tx,
        { services, actor: { kind: 'system', via: 'sign-in' } },
        {
          action: 'passkey.counter-regressed',
          subjectKind: 'passkey',
          subject: passkey.id,
          before: { ...toPasskeyAudit(now), counter: now.counter },
          after: { counter, purpose: question.purpose },
        },
      );
      return true;
    }
    await tx.passkey.update({
      where: { id: passkey.id },
      data: { counter, lastUsedAt: new Date(services.clock.now()) },
    });
    return false;
  });
  if (regressed) throw refused();
  return { passkey, signed, answer: assertion.response };
}

const refused = (cause?: unknown) =>
  wrongPasskey('this passkey is not known here, or its answer is not right; try another one', cause);

/** How often the passkey says it was used. Throws `wrong-passkey` where the answer is not its, not for us, or of nobody verified. */
async function countOf(
  { id, rawId, type, response }: AssertionInput,
  expected: {
    readonly passkey: PasskeyRow;
    readonly challenge: string;
    readonly origin: string;
    readonly rpId: string;
  },
): Promise<bigint> {
  try {
    const client = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString()) as {
      crossOrigin?: unknown;
    };
    // The library lets a frame of another site pass where the browser does not name that site.
    if (client.crossOrigin === true) throw new Error('it was asked for in a frame of another site');
    const { userHandle, ...rest } = response;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: userHandle === undefined ? rest : { ...rest, userHandle },
      },
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.origin,
      expectedRPID: expected.rpId,
      // Compared under the row's lock instead, where a regression is written down.
      credential: { id, publicKey: new Uint8Array(expected.passkey.publicKey), counter: 0 },
      requireUserVerification: true,
    });
    if (!verified) throw new Error('the signature is wrong');
    return BigInt(authenticationInfo.newCounter);
  } catch (cause) {
    throw refused(cause);
  }
}

/** To be called in the transaction that an answer counts in: a passkey that was removed meanwhile proves nothing. */
export async function requireStillRegistered(tx: Transaction, { passkey }: CheckedAssertion): Promise<void> {
  await tx.$queryRaw`SELECT id FROM passkeys WHERE id = ${passkey.id} FOR SHARE`;
  if ((await tx.passkey.count({ where: { id: passkey.id } })) === 0) throw refused();
}
