import { fromBase64url, toBase64url } from '@taskgate/approval';
import type { RequestOptions } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { Services } from '../context.ts';
import { withTransaction } from '../with-transaction.ts';
import { credentialText, PASSKEY_SELECT } from './passkey-row.ts';
import { passkeySite } from './passkey-site.ts';

export type RequestOptionsView = z.infer<typeof RequestOptions>;

/** How long a question stands; so old, at most, is the answer that counts as fresh. */
export const CHALLENGE_MS = 5 * 60_000;
const CHALLENGE_BYTES = 32;
const MAX_OPEN = 100;

/** What is asked, of whom, about what: an answer to one question is no answer to another. */
export interface Question {
  readonly purpose: 'register' | 'sign-in' | 'prove' | 'confirm-grant' | 'approve-grant' | 'approve-hold';
  /** `null` at a sign-in. */
  readonly identityId: string | null;
  /** Id of the grant or the hold; the source address of a sign-in; else empty. */
  readonly subject: string;
}

export const wrongPasskey = (message: string, cause?: unknown): TaskgateError =>
  new TaskgateError('wrong-passkey', message, cause === undefined ? {} : { cause });

/**
 * Keeps a question until it is answered or {@link CHALLENGE_MS} are over, and gives its challenge. `signed`: what the
 * challenge is the hash of. No audit row: nothing was decided yet.
 */
export async function openChallenge(
  tx: Transaction,
  services: Services,
  question: Question,
  signed: { readonly text: string; readonly sha256: Uint8Array } | null = null,
): Promise<string> {
  const now = services.clock.now();
  const { purpose, identityId, subject } = question;
  await tx.$executeRaw`DELETE FROM passkey_challenges WHERE challenge IN (
    SELECT challenge FROM passkey_challenges WHERE "expiresAt" <= ${new Date(now)} LIMIT 1000 FOR UPDATE SKIP LOCKED)`;
  const open = await tx.passkeyChallenge.count({
    where: identityId === null ? { purpose, subject } : { identityId },
  });
  if (open >= MAX_OPEN)
    throw new TaskgateError('rate-limited', 'too many questions to a passkey are open; try again in five minutes');
  const challenge = new Uint8Array(signed?.sha256 ?? services.randomBytes(CHALLENGE_BYTES));
  await tx.passkeyChallenge.create({
    data: {
      challenge,
      purpose,
      identityId,
      subject,
      signed: signed?.text ?? null,
      expiresAt: new Date(now + CHALLENGE_MS),
    },
  });
  return toBase64url(challenge);
}

/**
 * Takes the question that an answer is to, whatever comes of it: it is answered once. Gives what was to be signed.
 * Throws `wrong-passkey` where the answer is to no open question, or to another one. No audit row: nothing was decided yet.
 */
export async function takeChallenge(
  services: Services,
  clientDataJSON: string,
  question: Question,
): Promise<{ readonly challenge: string; readonly signed: string | null }> {
  const challenge = challengeOf(clientDataJSON);
  const taken =
    challenge === null
      ? null
      : await withTransaction({ services }, async (tx) => {
          const key = { challenge };
          const row = await tx.passkeyChallenge.findUnique({ where: key });
          return row !== null && (await tx.passkeyChallenge.deleteMany({ where: key })).count === 1 ? row : null;
        });
  if (
    taken === null ||
    taken.purpose !== question.purpose ||
    taken.identityId !== question.identityId ||
    taken.subject !== question.subject ||
    taken.expiresAt.getTime() <= services.clock.now()
  )
    throw wrongPasskey(
      'this was asked for something else, was answered already, or is older than five minutes; try again',
    );
  return { challenge: toBase64url(taken.challenge), signed: taken.signed };
}

function challengeOf(clientDataJSON: string): Uint8Array<ArrayBuffer> | null {
  try {
    const { challenge } = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) as { challenge?: unknown };
    return typeof challenge === 'string' ? fromBase64url(challenge) : null;
  } catch {
    return null;
  }
}

/** The question as browsers take it; of a person whose passkeys are known it names them. Throws `not-supported`. */
export async function toRequestOptions(
  tx: Transaction,
  services: Services,
  challenge: string,
  identityId: string | null,
): Promise<RequestOptionsView> {
  const { rpId } = passkeySite(services.settings);
  const known =
    identityId === null ? [] : await tx.passkey.findMany({ where: { identityId, rpId }, select: PASSKEY_SELECT });
  if (identityId !== null && known.length === 0)
    throw new TaskgateError('step-up-required', 'you have no passkey yet; register one under Settings, Passkeys');
  return {
    challenge,
    rpId,
    timeout: CHALLENGE_MS,
    userVerification: 'required',
    allowCredentials: known.map((row) => ({ type: 'public-key', id: credentialText(row), transports: row.transports })),
  };
}
