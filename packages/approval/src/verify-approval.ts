import { utf8DecodeLossy } from '@taskgate/core';
import type { AnyApprovalContent } from './approval-content.ts';
import { type ApprovalFile, parseObject, parseSignedText } from './approval-file.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { keyThumbprint } from './public-key.ts';
import { verifySignature } from './verify-signature.ts';
import type { WebCrypto } from './web-crypto.ts';

export type ApprovalVerdict =
  /** `keySha256`: the thumbprint of the key that signed (RFC 7638), base64url. */
  | { readonly ok: true; readonly erased: false; readonly content: AnyApprovalContent; readonly keySha256: string }
  /** What was signed is gone: that the key signed something with this SHA-256 (hex), at that origin, is all that is proven. */
  | {
      readonly ok: true;
      readonly erased: true;
      readonly signedSha256: string;
      readonly origin: string;
      readonly keySha256: string;
    }
  | { readonly ok: false; readonly problem: string };

/** WebAuthn section 6.1: hash of the RP's id, flags, counter. */
const RP_ID_HASH_BYTES = 32;
const SHA256_BYTES = 32;
const MIN_AUTHENTICATOR_DATA_BYTES = 37;
const USER_PRESENT_AND_VERIFIED = 0b101;

/**
 * Whether the signature is by that key, over exactly what the file says was approved, by a verified user at that origin
 * (WebAuthn section 7.2). Without us: that the key is the reviewer's is what the file claims, and its thumbprint is for
 * comparing.
 */
export async function verifyApproval(file: ApprovalFile, crypto: WebCrypto): Promise<ApprovalVerdict> {
  const parsed = file.signed === null ? null : parseSignedText(file.signed);
  if (parsed?.ok === false) return parsed;
  const content = parsed?.value ?? null;
  if (content !== null && content.format !== file.format)
    return wrong('what was signed is of another format than the file');
  const authenticatorData = fromBase64url(file.authenticatorData);
  const clientData = fromBase64url(file.clientDataJSON);
  const signature = fromBase64url(file.signature);
  if (authenticatorData === null || clientData === null || signature === null)
    return wrong("the passkey's answer is not base64url");

  const client = parseObject(utf8DecodeLossy(clientData));
  if (client === null || client.type !== 'webauthn.get')
    return wrong("the passkey's answer is not to a question of ours");
  const signedSha256 = typeof client.challenge === 'string' ? fromBase64url(client.challenge) : null;
  if (signedSha256?.length !== SHA256_BYTES) return wrong("the passkey's answer is not to a question of ours");
  if (file.signed !== null && client.challenge !== toBase64url(await crypto.sha256(file.signed)))
    return wrong('the passkey signed something else than what stands here');
  const { origin } = client;
  if (typeof origin !== 'string' || client.crossOrigin === true || (content !== null && origin !== content.site.origin))
    return wrong('the passkey signed for another site than the approval names');
  if (authenticatorData.length < MIN_AUTHENTICATOR_DATA_BYTES) return wrong("the authenticator's data is cut");
  const rpIdHash = toBase64url(authenticatorData.subarray(0, RP_ID_HASH_BYTES));
  if (content !== null && rpIdHash !== toBase64url(await crypto.sha256(content.site.rpId)))
    return wrong('the passkey signed for another site than the approval names');
  if ((authenticatorData[RP_ID_HASH_BYTES]! & USER_PRESENT_AND_VERIFIED) !== USER_PRESENT_AND_VERIFIED)
    return wrong('the authenticator did not verify who used it');

  const clientHash = await crypto.sha256(clientData);
  const data = new Uint8Array(authenticatorData.length + clientHash.length);
  data.set(authenticatorData);
  data.set(clientHash, authenticatorData.length);
  if (!(await verifySignature(file.publicKey, signature, data, crypto)))
    return wrong('the signature is not by that key over this');
  const keySha256 = await keyThumbprint(file.publicKey, crypto);
  return content === null
    ? { ok: true, erased: true, signedSha256: toHex(signedSha256), origin, keySha256 }
    : { ok: true, erased: false, content, keySha256 };
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const wrong = (problem: string): ApprovalVerdict => ({ ok: false, problem });
