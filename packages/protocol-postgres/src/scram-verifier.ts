import { assert } from '@taskgate/core';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { deriveScramKeys, SCRAM_KEY_BYTES, type ScramCrypto } from './scram-crypto.ts';

/** What a server keeps of a password: with it one can check a proof, not make one. */
export interface ScramVerifier {
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export function makeScramVerifier(
  crypto: ScramCrypto,
  password: string,
  salt: Uint8Array,
  iterations: number,
): ScramVerifier {
  assert(Number.isSafeInteger(iterations) && iterations > 0, 'scram needs a count of iterations');
  assert(salt.length > 0, 'scram needs a salt');
  const { clientKey, serverKey } = deriveScramKeys(crypto, password, salt, iterations);
  return { storedKey: crypto.sha256(clientKey), serverKey };
}

/** A verifier with the salt and iterations that it belongs to. */
export interface SaltedScramVerifier extends ScramVerifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** As in `pg_authid.rolpassword`, and as CREATE ROLE takes it: `SCRAM-SHA-256$4096:salt$storedKey:serverKey`. */
export function formatScramVerifier(verifier: SaltedScramVerifier): string {
  const { iterations, salt, storedKey, serverKey } = verifier;
  return `SCRAM-SHA-256$${iterations}:${encodeBase64(salt)}$${encodeBase64(storedKey)}:${encodeBase64(serverKey)}`;
}

/** `null` where `text` is no such verifier. */
export function parseScramVerifier(text: string): SaltedScramVerifier | null {
  const match = /^SCRAM-SHA-256\$([1-9]\d{0,8}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text);
  if (match === null) return null;
  const salt = decodeBase64(match[2]!);
  const storedKey = decodeBase64(match[3]!);
  const serverKey = decodeBase64(match[4]!);
  if (salt === null || storedKey === null || serverKey === null) return null;
  if (storedKey.length !== SCRAM_KEY_BYTES || serverKey.length !== SCRAM_KEY_BYTES) return null;
  return { iterations: Number(match[1]), salt, storedKey, serverKey };
}
