import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ScramCrypto } from '@taskgate/protocol-postgres';

const MAX_KEPT = 500;
const kept = new Map<string, Uint8Array>();

/**
 * PBKDF2 takes milliseconds of the thread that all sessions share, and a resource's connections ask for the same again:
 * its last results are kept, by a hash of what they are of.
 */
function pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Uint8Array {
  const name = createHash('sha256')
    .update(`${password.length} ${salt.length} ${iterations} ${length} `)
    .update(password)
    .update(salt)
    .digest('base64');
  let result = kept.get(name);
  if (result === undefined) {
    result = pbkdf2Sync(password, salt, iterations, length, 'sha256');
    if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
    kept.set(name, result);
  }
  return result;
}

/** SCRAM's needs, by Node. */
export const scramCrypto: ScramCrypto = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
  pbkdf2Sha256: pbkdf2,
  randomBytes: (length) => randomBytes(length),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};
