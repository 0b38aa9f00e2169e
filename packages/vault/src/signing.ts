import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { TaskgateError } from '@taskgate/core';
import type { Vault } from './vault.ts';

/** Signs heads of recordings with this installation's Ed25519 key. */
export interface Signer {
  /** Hex, the first 16 bytes of SHA-256 over the public key (SPKI, DER). */
  readonly keyId: string;
  /** PEM (SPKI): for everybody. */
  readonly publicKeyPem: string;
  /** 64 bytes (RFC 8032). */
  signHead(head: Uint8Array): Uint8Array;
}

const CONTEXT = 'signing-key';
const DOMAIN = Buffer.from('taskgate head\0');

/** A new key pair's private half, sealed: keep it, then {@link openSigner}. */
export function generateSealedSigningKey(vault: Vault): Uint8Array {
  const { privateKey } = generateKeyPairSync('ed25519');
  return vault.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), CONTEXT);
}

/** Throws `internal` when `sealed` was sealed by another vault. */
export function openSigner(vault: Vault, sealed: Uint8Array): Signer {
  const der = vault.open(sealed, CONTEXT);
  const privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  der.fill(0);
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    signHead: (head) => new Uint8Array(signBytes(null, Buffer.concat([DOMAIN, head]), privateKey)),
  };
}

/** Whether `signature` is that of `head` under the key of `publicKeyPem`. Throws `bad-input` when it is not such a key. */
export function verifyHead(publicKeyPem: string, head: Uint8Array, signature: Uint8Array): boolean {
  return verifyBytes(null, Buffer.concat([DOMAIN, head]), readPublicKey(publicKeyPem), signature);
}

export function signingKeyId(publicKeyPem: string): string {
  return keyIdOf(readPublicKey(publicKeyPem));
}

function readPublicKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // said below: the parser's own words help nobody
  }
  throw new TaskgateError('bad-input', 'this is not an Ed25519 public key in PEM');
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 32);
}
