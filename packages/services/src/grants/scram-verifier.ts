import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { SecretValue } from '@taskgate/core';

/** Postgres' own number. The token has 256 random bits: more rounds would slow the gate, not a guesser. */
export const SCRAM_ITERATIONS = 4096;

const derive = promisify(pbkdf2);

export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as in Postgres' pg_authid (RFC 5802, section 3). */
export async function encodeScramVerifier(token: SecretValue, salt: Uint8Array): Promise<string> {
  const salted = await token.reveal((text) => derive(text, salt, SCRAM_ITERATIONS, 32, 'sha256'));
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}

/** `null` where the text is no verifier. */
export function decodeScramVerifier(text: string): ScramVerifier | null {
  const match = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})$/.exec(text);
  if (match === null) return null;
  const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
  return {
    iterations: Number(match[1]),
    salt: bytes(match[2]!),
    storedKey: bytes(match[3]!),
    serverKey: bytes(match[4]!),
  };
}
