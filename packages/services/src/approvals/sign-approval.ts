import { type ApprovalContent, parseSignedText, signedText, toBase64url } from '@taskgate/approval';
import { TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext, Services } from '../context.ts';
import { openChallenge, type Question, type RequestOptionsView, toRequestOptions } from '../passkeys/challenge.ts';
import { type CheckedAssertion, requireStillRegistered } from '../passkeys/check-assertion.ts';
import { publicJwkOf, webCrypto } from '../passkeys/passkey-row.ts';
import { passkeySite } from '../passkeys/passkey-site.ts';
import type { Said } from './approval-content.ts';

const NONCE_BYTES = 16;

/** Asks the reviewer's passkey to sign what `contentOf` makes of it. */
export async function askForSignature(
  tx: Transaction,
  { services }: ServiceContext,
  actor: IdentityActor,
  question: Question,
  comment: string | null,
  contentOf: (said: Said) => Promise<ApprovalContent>,
): Promise<RequestOptionsView> {
  const text = signedText(
    await contentOf({
      reviewer: { id: actor.identityId, email: actor.email },
      comment,
      nonce: toBase64url(services.randomBytes(NONCE_BYTES)),
      site: passkeySite(services.settings),
    }),
  );
  const challenge = await openChallenge(tx, services, question, { text, sha256: await webCrypto.sha256(text) });
  return toRequestOptions(tx, services, challenge, actor.identityId);
}

/**
 * The signature to keep with an approval, or `undefined` where none is needed. It must be over exactly what is approved
 * now: of what changed since it was asked for, nothing is approved. Throws `step-up-required` or `conflict`.
 */
export async function signatureFor(
  tx: Transaction,
  { services }: ServiceContext,
  actor: IdentityActor,
  approval: {
    readonly assertion: CheckedAssertion | null;
    readonly required: boolean;
    readonly comment: string | null;
    /** Where it can be signed, from the web's root. */
    readonly path: string;
    readonly contentOf: (said: Said) => Promise<ApprovalContent>;
  },
): Promise<Prisma.ApprovalSignatureUncheckedCreateWithoutApprovalInput | undefined> {
  const { assertion, comment } = approval;
  if (assertion === null) {
    await requireNone(tx, services, actor, approval);
    return undefined;
  }
  await requireStillRegistered(tx, assertion);
  const asked = assertion.signed === null ? null : parseSignedText(assertion.signed);
  if (!asked?.ok) throw changed();
  const { nonce, site } = asked.value;
  const reviewer = { id: actor.identityId, email: actor.email };
  if (signedText(await approval.contentOf({ reviewer, comment, nonce, site })) !== assertion.signed) throw changed();
  const { passkey, answer } = assertion;
  return {
    passkeyId: passkey.id,
    passkeyName: passkey.name,
    signed: assertion.signed,
    publicKey: publicJwkOf(passkey),
    authenticatorData: Buffer.from(answer.authenticatorData, 'base64url'),
    clientData: Buffer.from(answer.clientDataJSON, 'base64url'),
    signature: Buffer.from(answer.signature, 'base64url'),
  };
}

const changed = (): TaskgateError =>
  new TaskgateError('conflict', 'what you signed is not what would be approved now; look at it again');

/** Who has a passkey approves by it alone: a stolen session or token then approves nothing. */
async function requireNone(
  tx: Transaction,
  { settings }: Services,
  actor: IdentityActor,
  { required, path }: { readonly required: boolean; readonly path: string },
): Promise<void> {
  if ((await tx.passkey.count({ where: { identityId: actor.identityId } })) > 0)
    throw new TaskgateError(
      'step-up-required',
      `your approvals are signed with your passkey; approve it at ${passkeySite(settings).origin}${path}`,
    );
  if (required)
    throw new TaskgateError(
      'step-up-required',
      `this approval must be signed with a passkey, and you have none; register one at ${passkeySite(settings).origin}/settings?tab=passkeys`,
    );
}
