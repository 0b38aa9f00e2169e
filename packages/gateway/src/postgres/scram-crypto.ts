import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ScramCrypto } from '@taskgate/protocol-postgres';

/** SCRAM's needs, by Node. */
export const scramCrypto: ScramCrypto = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
  pbkdf2Sha256: (password, salt, iterations, length) => pbkdf2Sync(password, salt, iterations, length, 'sha256'),
  randomBytes: (length) => randomBytes(length),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};
