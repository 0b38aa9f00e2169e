import {
  APPROVAL_FORMAT,
  type ApprovalContent,
  type ApprovalFile,
  parseSignedText,
  signedText,
  verifyApproval,
} from '@taskgate/approval';
import type { AnswerRow } from '../grants/grant-row.ts';
import { webCrypto } from '../passkeys/passkey-row.ts';
import { labelOf } from '../people/user-view.ts';
import type { Said } from './approval-content.ts';

/** The signed answer as one takes it away; `null` where it is not signed. */
export function toApprovalFile({ id, signature }: Pick<AnswerRow, 'id' | 'signature'>): ApprovalFile | null {
  if (signature === null) return null;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  return {
    format: formatOf(signature.signed),
    id,
    passkeyName: signature.passkeyName,
    signed: signature.signed,
    // Written from a typed value.
    publicKey: signature.publicKey as unknown as ApprovalFile['publicKey'],
    authenticatorData: text(signature.authenticatorData),
    clientDataJSON: text(signature.clientData),
    signature: text(signature.signature),
  };
}

/**
 * Why these approvals do not carry what is about to happen, or `null`: there are fewer than are needed, whatever the
 * state says that was made of them; one that must be signed is not; or a signature is over something else than
 * `contentOf` makes of what there is now.
 */
export async function whyNotSigned(
  answers: readonly AnswerRow[],
  terms: { readonly needed: number; readonly signed: boolean },
  contentOf: (said: Said, signed: ApprovalContent) => Promise<ApprovalContent>,
): Promise<string | null> {
  const approved = answers.filter(({ outcome }) => outcome === 'approved');
  // What must be signed was asked of somebody.
  const needed = terms.signed ? Math.max(1, terms.needed) : terms.needed;
  if (new Set(approved.map(({ userId }) => userId)).size < needed) return 'fewer people have approved it than must';
  for (const answer of approved) {
    const file = toApprovalFile(answer);
    if (file === null && terms.signed) return 'an approval that must be signed is not';
    if (file === null) continue;
    if (file.signed === null) return 'what was approved was deleted with its recording';
    const asked = parseSignedText(file.signed);
    if (!asked.ok) return asked.problem;
    if (asked.value.format !== APPROVAL_FORMAT) return 'an approval was signed before where it leads was signed too';
    const { nonce, site } = asked.value;
    const reviewer = { id: answer.userId, email: labelOf(answer.user) };
    const now = await contentOf({ reviewer, comment: answer.comment, nonce, site }, asked.value);
    if (signedText(now) !== file.signed) return 'an approval was signed for something else';
    const verdict = await verifyApproval(file, webCrypto);
    if (!verdict.ok) return verdict.problem;
  }
  return null;
}

function formatOf(signed: string | null): ApprovalFile['format'] {
  const content = signed === null ? null : parseSignedText(signed);
  return content?.ok ? content.value.format : APPROVAL_FORMAT;
}
