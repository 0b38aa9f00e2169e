import { assertNever, type MaskName, utf8Encode } from '@taskgate/core';
import { isDigit } from './byte-sequence.ts';
import type { Finding } from './detect.ts';

export interface MaskingPorts {
  /** HMAC-SHA-256 under a key of the resource or task: equal values stay equal, and nobody without it can try values. */
  readonly hmacSha256: (bytes: Uint8Array) => Uint8Array;
}

const AT = 0x40;
const STAR = 0x2a;
const SPACE = 0x20;
export const REDACTED = utf8Encode('[masked]');
const STARS = utf8Encode('***');
const HASH_CHARACTERS = 32;
const VISIBLE_CHARACTERS = 4;

/** True for the first byte of a UTF-8 character. */
const startsCharacter = (byte: number): boolean => (byte & 0xc0) !== 0x80;

/** `text` cut to `characters`, never within one. */
export function cutCharacters(text: Uint8Array, characters: number): Uint8Array {
  if (text.length <= characters) return text;
  let count = 0;
  for (let i = 0; i < text.length; i++)
    if (startsCharacter(text[i]!) && ++count > characters) return text.subarray(0, i);
  return text;
}

/** Masks a whole text value. `null`: SQL NULL. `maxCharacters`: what the column's type has room for, or `null`. */
export function maskText(
  mask: MaskName,
  text: Uint8Array,
  maxCharacters: number | null,
  ports: MaskingPorts,
): Uint8Array | null {
  const fit = (masked: Uint8Array): Uint8Array =>
    maxCharacters === null ? masked : cutCharacters(masked, maxCharacters);
  switch (mask) {
    case 'null':
      return null;
    case 'redact':
      return fit(REDACTED);
    case 'hash':
      return fit(hashed(text, ports));
    case 'email':
      return fit(maskEmail(text, 0, text.length) ?? REDACTED);
    case 'last4':
      return maskAllButLast4(text, maxCharacters);
    default:
      return assertNever(mask);
  }
}

function hashed(bytes: Uint8Array, ports: MaskingPorts): Uint8Array {
  let hex = '';
  for (const byte of ports.hmacSha256(bytes).subarray(0, HASH_CHARACTERS / 2))
    hex += byte.toString(16).padStart(2, '0');
  return utf8Encode(hex);
}

/** `a***@example.com`; of a local part of one character nothing is kept. `null` where it is not one e-mail address. */
export function maskEmail(text: Uint8Array, from: number, to: number): Uint8Array | null {
  let at = to - 1;
  while (at >= from && text[at] !== AT) at -= 1;
  if (at < from + 1) return null;
  let dots = 0;
  for (let i = from; i < to; i++) {
    const byte = text[i]!;
    if (byte <= SPACE || byte === 0x7f || (byte === AT && i !== at)) return null;
    if (i <= at) continue;
    const isDot = byte === 0x2e;
    if (isDot) dots += 1;
    // Behind the `@` only what a domain has: anything else would be shown as it is.
    if (!isDot && byte !== 0x2d && !isDigit(byte) && ((byte | 0x20) - 0x61) >>> 0 >= 26 && byte < 0x80) return null;
    if (isDot && (i === at + 1 || i === to - 1 || text[i - 1] === 0x2e)) return null;
  }
  if (dots === 0) return null;
  let first = from + 1;
  while (first < at && !startsCharacter(text[first]!)) first += 1;
  const keptEnd = first < at && text[from] !== STAR ? first : from;
  const masked = new Uint8Array(keptEnd - from + STARS.length + to - at);
  let length = 0;
  for (let i = from; i < keptEnd; i++) masked[length++] = text[i]!;
  for (let i = 0; i < STARS.length; i++) masked[length++] = STAR;
  for (let i = at; i < to; i++) masked[length++] = text[i]!;
  return masked;
}

/** `***4321`: the last four characters, and never more than half of the value. */
function maskAllButLast4(text: Uint8Array, maxCharacters: number | null): Uint8Array {
  let characters = 0;
  for (const byte of text) if (startsCharacter(byte)) characters += 1;
  const visible = Math.min(VISIBLE_CHARACTERS, Math.floor(characters / 2));
  const stars = Math.min(STARS.length, maxCharacters === null ? STARS.length : Math.max(0, maxCharacters - visible));
  let start = text.length;
  for (let left = visible; left > 0; ) {
    start -= 1;
    if (startsCharacter(text[start]!)) left -= 1;
  }
  return concat([STARS.subarray(0, stars), text.subarray(start)]);
}

/** What stands in the place of a finding, or `null` where its mask takes the whole value. */
export function maskFinding(finding: Finding, span: Uint8Array, ports: MaskingPorts): Uint8Array | null {
  const named = (): Uint8Array => utf8Encode(`[${finding.kind}]`);
  switch (finding.mask) {
    case 'null':
      return null;
    case 'redact':
      return named();
    case 'hash':
      return hashed(span, ports);
    case 'email':
      return (finding.kind === 'email' ? maskEmail(span, 0, span.length) : null) ?? named();
    case 'last4':
      return finding.kind === 'card-number' || finding.kind === 'ssn' ? starDigits(span) : named();
    default:
      return assertNever(finding.mask);
  }
}

/** Every digit but the last four a star; separators stay. */
function starDigits(span: Uint8Array): Uint8Array {
  // Of a Buffer, `slice` would be a view: the target's own bytes.
  const masked = new Uint8Array(span);
  let kept = 0;
  for (let i = masked.length - 1; i >= 0; i--) {
    if (!isDigit(masked[i]!)) continue;
    if (kept < VISIBLE_CHARACTERS) kept += 1;
    else masked[i] = STAR;
  }
  return masked;
}

/** `parts` one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
