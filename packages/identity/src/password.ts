import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { type SecretValue, TaskgateError } from '@taskgate/core';

/** Cost of scrypt (RFC 7914): N = 2^`logN`, memory 128 * N * r bytes. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 60 ms a try. Hashes of another cost are renewed at the next sign-in. */
export const PASSWORD_COST: ScryptCost = { logN: 15, r: 8, p: 1 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_LOG_N = 18;
const MAX_PASSWORD_LENGTH = 1_024;
// Each takes 32 MiB while it runs, and the rest wait in line: a flood is refused before it fills the line.
const MAX_WAITING = 32;

let waiting = 0;

/** `$scrypt$ln=15,r=8,p=1$<salt>$<hash>` (PHC string format, base64 without padding). */
export async function hashPassword(password: SecretValue, cost: ScryptCost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, cost);
  return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${unpadded(salt)}$${unpadded(hash)}`;
}

export interface PasswordVerdict {
  readonly ok: boolean;
  /** Right, and kept under another cost than today's: hash it anew. */
  readonly outdated: boolean;
}

/**
 * `stored` is `null` where nobody has that name: the same work is done, so that the time a refusal takes does not tell
 * who exists. Throws `rate-limited` when too many wait, `internal` for a stored hash that is not one.
 */
export async function verifyPassword(stored: string | null, password: SecretValue): Promise<PasswordVerdict> {
  if (stored === null) {
    await derive(password, Buffer.alloc(SALT_BYTES), PASSWORD_COST);
    return { ok: false, outdated: false };
  }
  const { cost, salt, hash } = parseStored(stored);
  const ok = timingSafeEqual(await derive(password, salt, cost), hash);
  const same = cost.logN === PASSWORD_COST.logN && cost.r === PASSWORD_COST.r && cost.p === PASSWORD_COST.p;
  return { ok, outdated: ok && !same };
}

async function derive(password: SecretValue, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  if (waiting >= MAX_WAITING)
    throw new TaskgateError('rate-limited', 'too many sign-ins at once; try again in a moment');
  const N = 2 ** cost.logN;
  const options: ScryptOptions = { N, r: cost.r, p: cost.p, maxmem: 256 * N * cost.r };
  waiting++;
  try {
    return await password.reveal((text) => scryptAsync(normalise(text), salt, options));
  } finally {
    waiting--;
  }
}

/** One password, however a keyboard composes its accents (NIST SP 800-63B, 3.1.1.2). */
function normalise(password: string): string {
  if (password.length > MAX_PASSWORD_LENGTH) throw new TaskgateError('bad-input', 'the password is too long');
  return password.normalize('NFKC');
}

const scryptAsync = (password: string, salt: Uint8Array, options: ScryptOptions): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });

function parseStored(stored: string): { cost: ScryptCost; salt: Buffer; hash: Buffer } {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(stored);
  const cost = { logN: Number(match?.[1]), r: Number(match?.[2]), p: Number(match?.[3]) };
  if (!match || cost.logN < 1 || cost.logN > MAX_LOG_N || cost.r < 1 || cost.p < 1)
    throw new TaskgateError('internal', 'a stored password hash has a form that is not known');
  return { cost, salt: Buffer.from(match[4]!, 'base64'), hash: Buffer.from(match[5]!, 'base64') };
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
