import { type ByteSequence, byteSet, hasAt } from './byte-sequence.ts';

interface SecretFormat {
  readonly prefix: string;
  readonly body: Uint8Array;
  readonly minBody: number;
}

const ALNUM = byteSet('azAZ09');
const WORD = byteSet('azAZ09__');
const BASE64URL = byteSet('azAZ09__--');
const UPPER = byteSet('AZ09');

/** As their makers document them. A body goes on as long as its alphabet does. */
const FORMATS: readonly SecretFormat[] = [
  { prefix: 'AKIA', body: UPPER, minBody: 16 }, // AWS access key
  { prefix: 'ASIA', body: UPPER, minBody: 16 }, // AWS temporary access key
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => ({ prefix, body: ALNUM, minBody: 30 })), // GitHub
  { prefix: 'github_pat_', body: WORD, minBody: 22 },
  { prefix: 'glpat-', body: BASE64URL, minBody: 20 }, // GitLab
  ...['xoxa-', 'xoxb-', 'xoxe-', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'].map((prefix) => ({
    prefix,
    body: BASE64URL,
    minBody: 10,
  })), // Slack
  ...['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'].map((prefix) => ({ prefix, body: ALNUM, minBody: 16 })), // Stripe
  { prefix: 'whsec_', body: ALNUM, minBody: 24 },
  { prefix: 'AIza', body: BASE64URL, minBody: 35 }, // Google
  { prefix: 'npm_', body: ALNUM, minBody: 36 },
];

const BY_FIRST_BYTE = new Map<number, readonly SecretFormat[]>();
for (const format of FORMATS) {
  const first = format.prefix.charCodeAt(0);
  BY_FIRST_BYTE.set(first, [...(BY_FIRST_BYTE.get(first) ?? []), format]);
}

const TOKEN_PREFIX = 'eyJ';
/** For each pair of bytes, 1 where a secret or a token may start with them. */
const PAIRS = new Uint8Array(256 * 256);
for (const prefix of [...FORMATS.map((format) => format.prefix), TOKEN_PREFIX])
  PAIRS[(prefix.charCodeAt(0) << 8) | prefix.charCodeAt(1)] = 1;

/** Whether a secret of a known format, or a JSON web token, may start with these: of most texts no more is looked at. */
export function maySecretStart(first: number, second: number): boolean {
  return PAIRS[(first << 8) | second] === 1;
}

/** Bytes at which a look for a secret, or a JSON web token, is worth it. */
export const SECRET_FIRST_BYTES: readonly number[] = [...BY_FIRST_BYTE.keys(), TOKEN_PREFIX.charCodeAt(0)];

/**
 * The end of a secret of a known format that starts at `start`, or -1. What fails has read fewer bytes than the
 * shortest body; what succeeds is skipped by the caller: linear.
 */
export function secretEnd(bytes: ByteSequence, start: number, to: number): number {
  for (const { prefix, body, minBody } of BY_FIRST_BYTE.get(bytes[start]!) ?? []) {
    if (!hasAt(bytes, start, to, prefix)) continue;
    const bodyStart = start + prefix.length;
    const end = runEnd(bytes, bodyStart, to, body);
    if (end - bodyStart >= minBody) return end;
  }
  return -1;
}

const DOT = 0x2e;
/** A signed token has three parts, an encrypted one five (RFC 7519, RFC 7516). */
const MAX_TOKEN_PARTS = 5;

/**
 * A JSON web token (`eyJ...`, a part, a part that is empty in an unsigned one) at `start`: its end, or -1, and how far
 * the first part goes. Nothing within a first part that failed can start a token, so the caller skips it: linear.
 */
export function jsonWebToken(
  bytes: ByteSequence,
  start: number,
  to: number,
): { readonly end: number; readonly firstPartEnd: number } | null {
  if (!hasAt(bytes, start, to, TOKEN_PREFIX)) return null;
  const firstPartEnd = runEnd(bytes, start, to, BASE64URL);
  let end = firstPartEnd;
  let parts = 1;
  while (parts < MAX_TOKEN_PARTS && end < to && bytes[end] === DOT) {
    const partEnd = runEnd(bytes, end + 1, to, BASE64URL);
    // Only the second part must hold something: `{}` is three characters.
    if (parts === 1 && partEnd - end <= 3) break;
    end = partEnd;
    parts += 1;
  }
  return { end: parts >= 3 ? end : -1, firstPartEnd };
}

function runEnd(bytes: ByteSequence, start: number, to: number, set: Uint8Array): number {
  let end = start;
  while (end < to && set[bytes[end]!] === 1) end += 1;
  return end;
}

const SCHEME = byteSet('azAZ09++--..');
const AUTHORITY_ENDS = byteSet('\0 //??##""\'\'<<>>``\\\\');
const AT = 0x40;
const COLON = 0x3a;

/**
 * The password of a URL (`scheme://user:password@host`) whose `:` before `//` is at `colon`, or `null`. Reads up to the
 * next slash, which a second `://` has: linear.
 */
export function urlPassword(
  bytes: ByteSequence,
  colon: number,
  from: number,
  to: number,
): { readonly start: number; readonly end: number } | null {
  if (!hasAt(bytes, colon, to, '://') || colon === from || SCHEME[bytes[colon - 1]!] !== 1) return null;
  let start = -1;
  let end = -1;
  for (let i = colon + 3; i < to && AUTHORITY_ENDS[bytes[i]!] !== 1; i++) {
    if (bytes[i] === COLON && start < 0) start = i + 1;
    // A password may hold an unescaped `@`: the last one ends it.
    else if (bytes[i] === AT) end = i;
  }
  return start >= 0 && end > start ? { start, end } : null;
}
