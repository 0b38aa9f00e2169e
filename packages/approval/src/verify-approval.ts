import { utf8DecodeLossy } from '@taskgate/core';
import type { AnyApprovalContent } from './approval-content.ts';
import { type ApprovalFile, parseObject, parseSignedText } from './approval-file.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { keyThumbprint } from './public-key.ts';
import { verifySignature } from './verify-signature.ts';
import type { WebCrypto } from './web-crypto.ts';

export type ApprovalVerdict =
  /** `keySha256`: the thumbprint of the key that signed (RFC 7638), base64url. */
  | { readonly ok: true; readonly content: AnyApprovalContent; readonly keySha256: string }
  | { readonly ok: false; readonly problem: string };

/** WebAuthn section 6.1: hash of the RP's id, flags, counter. */
const RP_ID_HASH_BYTES = 32;
const MIN_AUTHENTICATOR_DATA_BYTES = 37;
const USER_PRESENT_AND_VERIFIED = 0b101;

/**
 * Whether the signature is by that key, over exactly what the file says was approved, by a verified user at that origin
 * (WebAuthn section 7.2). Without us: that the key is the reviewer's is what the file claims, and its thumbprint is for
 * comparing.
 */
export async function verifyApproval(file: ApprovalFile, crypto: WebCrypto): Promise<ApprovalVerdict> {
  const parsed = parseSignedText(file.signed);
  if (!parsed.ok) return parsed;
  if (parsed.value.format !== file.format) return wrong('what was signed is of another format than the file');
  const { site } = parsed.value;
  const authenticatorData = fromBase64url(file.authenticatorData);
  const clientData = fromBase64url(file.clientDataJSON);
  const signature = fromBase64url(file.signature);
  if (authenticatorData === null || clientData === null || signature === null)
    return wrong("the passkey's answer is not base64url");

  const client = parseObject(utf8DecodeLossy(clientData));
  if (client === null || client.type !== 'webauthn.get')
    return wrong("the passkey's answer is not to a question of ours");
  if (client.challenge !== toBase64url(await crypto.sha256(file.signed)))
    return wrong('the passkey signed something else than what stands here');
  if (client.origin !== site.origin || client.crossOrigin === true)
    return wrong('the passkey signed for another site than the approval names');
  if (authenticatorData.length < MIN_AUTHENTICATOR_DATA_BYTES) return wrong("the authenticator's data is cut");
  const rpIdHash = toBase64url(authenticatorData.subarray(0, RP_ID_HASH_BYTES));
  if (rpIdHash !== toBase64url(await crypto.sha256(site.rpId)))
    return wrong('the passkey signed for another site than the approval names');
  if ((authenticatorData[RP_ID_HASH_BYTES]! & USER_PRESENT_AND_VERIFIED) !== USER_PRESENT_AND_VERIFIED)
    return wrong('the authenticator did not verify who used it');

  const clientHash = await crypto.sha256(clientData);
  const data = new Uint8Array(authenticatorData.length + clientHash.length);
  data.set(authenticatorData);
  data.set(clientHash, authenticatorData.length);
  if (!(await verifySignature(file.publicKey, signature, data, crypto)))
    return wrong('the signature is not by that key over this');
  return { ok: true, content: parsed.value, keySha256: await keyThumbprint(file.publicKey, crypto) };
}

const wrong = (problem: string): ApprovalVerdict => ({ ok: false, problem });
