import { createCipheriv, createHash, createSecretKey } from 'node:crypto';
import type { SecretValue } from '@taskgate/core';

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/**
 * Encrypts the secret part of event `seq` with AES-256-GCM under the session's key (base64 of 32 bytes). The nonce is
 * the sequence number: unique, since a key serves one recording and a recording numbers its events once. The session id
 * and the number are authenticated, so that no part can be moved to another event or recording.
 */
export function createSessionSeal(
  sessionKey: SecretValue,
  sessionId: string,
): (plaintext: Uint8Array, seq: number) => Uint8Array {
  // Made once: importing the key costs more than encrypting an event with it.
  const key = sessionKey.reveal((base64) => createSecretKey(Buffer.from(base64, 'base64')));
  return (plaintext, seq) => {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(seq), 4);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  };
}
