import { createDecipheriv } from 'node:crypto';
import type { Vault } from '@taskgate/vault';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a session's own key is sealed for in the vault. */
export const sessionKeyContext = (sessionId: string): string => `session:${sessionId}`;

/**
 * Opens the secret parts of one recording. The counterpart of the gateway's session cipher: AES-256-GCM, the sequence
 * number as nonce, `<session>:<seq>` authenticated with it, the tag at the end.
 */
export function createSessionOpener(
  vault: Vault,
  wrappedKey: Uint8Array,
  sessionId: string,
): (ciphertext: Uint8Array, seq: number) => Uint8Array {
  const key = vault.open(wrappedKey, sessionKeyContext(sessionId));
  return (ciphertext, seq) => {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeBigUInt64BE(BigInt(seq), 4);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
    decipher.setAuthTag(ciphertext.subarray(ciphertext.length - TAG_BYTES));
    const body = decipher.update(ciphertext.subarray(0, ciphertext.length - TAG_BYTES));
    return new Uint8Array(Buffer.concat([body, decipher.final()]));
  };
}
