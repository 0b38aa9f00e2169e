import { assert } from './assert.ts';

/** What an id names; the prefix is part of the id so that a log line says what it is about. */
export type IdPrefix =
  | 'usr' // user (a person)
  | 'mch' // machine
  | 'agt' // agent
  | 'iss' // issuer of the tokens of machines
  | 'grp' // group
  | 'web' // web session (a sign-in)
  | 'tok' // API token
  | 'dvc' // sign-in of a device
  | 'res' // resource
  | 'crd' // credential
  | 'tsk' // task
  | 'pol' // policy
  | 'wfl' // workflow
  | 'grt' // grant
  | 'apr' // approval
  | 'ses' // session (one connection)
  | 'dec' // decision on one operation
  | 'hld' // hold
  | 'tkt' // one-time console ticket
  | 'aud' // audit row
  | 'psk' // passkey
  | 'act' // one deed with several audit rows
  | 'viw' // saved view of a list
  | 'sim' // simulation of drafts
  | 'prv' // sign-in provider
  | 'flw' // a sign-in at a provider that is under way
  | 'scm' // SCIM token
  | 'dgr'; // group of the directory

declare const brand: unique symbol;
/** A prefixed, time-ordered id: `grt_` and 26 characters of Crockford base32 (48 bits of time, 80 random), as a ULID. */
export type Id<P extends IdPrefix> = string & { readonly [brand]: P };

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Two characters for each ten bits. */
const PAIRS = Array.from({ length: 1024 }, (_, bits) => ALPHABET[bits >> 5]! + ALPHABET[bits & 31]!);

/** Ids of one millisecond have it in common. */
let lastMs = Number.NaN;
let lastTime = '';

function timeOf(atMs: number): string {
  const ms = Math.floor(atMs);
  if (ms === lastMs) return lastTime;
  let time = '';
  for (let rest = ms, i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32]! + time;
    rest = Math.floor(rest / 32);
  }
  lastMs = ms;
  lastTime = time;
  return time;
}

/** Makes an id; `atMs` is epoch milliseconds, `randomBytes` a cryptographic source. */
export function createId<P extends IdPrefix>(
  prefix: P,
  atMs: number,
  randomBytes: (length: number) => Uint8Array,
): Id<P> {
  let id = `${prefix}_${timeOf(atMs)}`;
  const random = randomBytes(16);
  assert(random.length === 16, 'an id needs all of its random bytes');
  for (let i = 0; i < 16; i += 2) id += PAIRS[((random[i]! & 31) << 5) | (random[i + 1]! & 31)]!;
  return id as Id<P>;
}

export function isId<P extends IdPrefix>(value: unknown, prefix: P): value is Id<P> {
  return (
    typeof value === 'string' &&
    value.startsWith(`${prefix}_`) &&
    /^[0-9a-hjkmnp-tv-z]{26}$/.test(value.slice(prefix.length + 1))
  );
}
