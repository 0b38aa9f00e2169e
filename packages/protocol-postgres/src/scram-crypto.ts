import { utf8Encode } from '@taskgate/core';
import { prepareScramPassword } from './saslprep.ts';

/** What SCRAM-SHA-256 needs of the machine. */
export interface ScramCrypto {
  sha256(bytes: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** `length` in bytes. */
  pbkdf2Sha256(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Uint8Array;
  /** From a cryptographic source. */
  randomBytes(count: number): Uint8Array;
  /** In constant time; false where the lengths differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

/** `data`: the hash of the server's certificate, see {@link endPointHash}. */
export interface ScramChannelBinding {
  readonly kind: 'tls-server-end-point';
  readonly data: Uint8Array;
}

export const SCRAM_KEY_BYTES = 32;

const CLIENT_KEY = utf8Encode('Client Key');
const SERVER_KEY = utf8Encode('Server Key');

/** Both keys of RFC 5802 section 3 from a password; costs `iterations` HMACs. */
export function deriveScramKeys(
  crypto: ScramCrypto,
  password: string,
  salt: Uint8Array,
  iterations: number,
): { readonly clientKey: Uint8Array; readonly serverKey: Uint8Array } {
  const prepared = utf8Encode(prepareScramPassword(password));
  const salted = crypto.pbkdf2Sha256(prepared, salt, iterations, SCRAM_KEY_BYTES);
  return { clientKey: crypto.hmacSha256(salted, CLIENT_KEY), serverKey: crypto.hmacSha256(salted, SERVER_KEY) };
}

/** `a` xor `b`, both of 32 bytes. */
export function xorKeys(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

/** RFC 5802's `printable`: visible ASCII without the comma. */
export const SCRAM_NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
