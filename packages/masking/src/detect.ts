import { type DetectorKind, type MaskName, strictestMask } from '@taskgate/core';
import { type ByteSequence, byteSet, hasAt, isDigit } from './byte-sequence.ts';
import { createDigitChainScanner, type DigitChainVisitor } from './card-number.ts';
import { jsonWebToken, maySecretStart, SECRET_FIRST_BYTES, secretEnd, urlPassword } from './secret-format.ts';

/** What to look for and how what was found is shown. */
export interface DetectorRule {
  readonly kind: DetectorKind;
  readonly mask: MaskName;
}

/** A span of bytes, `end` not included. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: DetectorKind;
  readonly mask: MaskName;
}

/** Finds in `bytes` from `from` to `to`; sorted, without overlaps. Findings that overlap become one, the strictest mask wins. */
export type Detect = (bytes: ByteSequence, from?: number, to?: number) => readonly Finding[];

const AT = 0x40;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const QUOTE = 0x22;
const LOWER_E = 0x65;
const SPACE = 0x20;
/** Of the shortest number that {@link createDigitChainScanner} takes for a card's. */
const MIN_CARD_DIGITS = 13;

const NOTHING: readonly Finding[] = [];
const NOTHING_READ: ByteSequence = new Uint8Array(0);

/**
 * One pass over the bytes. Almost all of them cost one look into a table; where one can start (or, for `@` and `://`,
 * lie within) a finding, a scanner reads on for a bounded stretch, or for one that no other scanner of its kind reads
 * again. So the work is linear, whatever the value: there is no regular expression to feed a bad case to.
 *
 * ASCII digits only: full-width and other Unicode digits are not looked for.
 */
export function createDetector(rules: readonly DetectorRule[]): Detect {
  const masks = new Map<DetectorKind, MaskName>();
  for (const { kind, mask } of rules) masks.set(kind, strictestMask(masks.get(kind) ?? null, mask)!);
  const cardMask = masks.get('card-number');
  const emailMask = masks.get('email');
  const ssnMask = masks.get('ssn');
  const keyMask = masks.get('private-key');
  const secretMask = masks.get('secret');

  const scanDigits = createDigitChainScanner();
  const interesting = new Uint8Array(256);
  if (cardMask || ssnMask) interesting.fill(1, 0x30, 0x3a);
  if (emailMask) interesting[AT] = 1;
  if (keyMask) interesting[DASH] = 1;
  if (secretMask) for (const byte of [...SECRET_FIRST_BYTES, COLON]) interesting[byte] = 1;

  // Of the value that is looked at. Nothing is made for each: a million rows have several.
  let bytes = NOTHING_READ;
  let to = 0;
  let findings: Finding[] | null = null;
  const add = (start: number, end: number, kind: DetectorKind, mask: MaskName): void => {
    findings ??= [];
    const previous = findings.at(-1);
    if (previous !== undefined && previous.end > start && previous.start <= start && previous.kind === kind) {
      if (previous.end < end) findings[findings.length - 1] = { ...previous, end };
      return;
    }
    let finding: Finding = { start, end, kind, mask };
    for (let last = findings.at(-1); last !== undefined && last.end > finding.start; last = findings.at(-1)) {
      findings.pop();
      finding = merge(last, finding);
    }
    findings.push(finding);
  };
  const visitor: DigitChainVisitor = {
    run(start) {
      if (ssnMask && isSsnAt(bytes, start, to)) add(start, start + SSN_BYTES, 'ssn', ssnMask);
    },
    card(start, end) {
      if (cardMask) add(start, end, 'card-number', cardMask);
    },
  };

  const look = (from: number): void => {
    let noTokenBefore = from;
    let i = from;
    while (i < to) {
      const byte = bytes[i]!;
      if (interesting[byte] === 0) {
        i += 1;
        continue;
      }
      if (isDigit(byte)) {
        // Most digits are a short number alone, or too near the end: neither a card's nor the first three of a social
        // security number.
        let end = i + 1;
        while (end < to && isDigit(bytes[end]!)) end += 1;
        const next = end < to ? bytes[end] : undefined;
        if (next !== DASH && (to - i < MIN_CARD_DIGITS || (end - i < MIN_CARD_DIGITS && next !== SPACE))) {
          i = end;
          continue;
        }
        const fraction = i - 2 >= from && bytes[i - 1] === DOT && isDigit(bytes[i - 2]!);
        i = scanDigits(bytes, i, to, fraction, visitor);
        continue;
      }
      if (byte === AT) {
        const email = emailAround(bytes, i, from, to);
        if (email !== null) add(email.start, email.end, 'email', emailMask!);
        i += 1;
        continue;
      }
      if (byte === DASH) {
        const end = privateKeyEnd(bytes, i, to);
        if (end > 0) add(i, end, 'private-key', keyMask!);
        i = end > 0 ? end : i + 1;
        continue;
      }
      if (byte === COLON) {
        const password = urlPassword(bytes, i, from, to);
        if (password !== null) add(password.start, password.end, 'secret', secretMask!);
        i += 1;
        continue;
      }
      if (i + 1 >= to || !maySecretStart(byte, bytes[i + 1]!)) {
        i += 1;
        continue;
      }
      let end = secretEnd(bytes, i, to);
      if (end < 0 && byte === LOWER_E && i >= noTokenBefore) {
        const token = jsonWebToken(bytes, i, to);
        if (token !== null) {
          end = token.end;
          noTokenBefore = token.firstPartEnd;
        }
      }
      if (end > 0) add(i, end, 'secret', secretMask!);
      i = end > 0 ? end : i + 1;
    }
  };

  return (value, from = 0, end = value.length) => {
    bytes = value;
    to = end;
    try {
      look(from);
      return findings ?? NOTHING;
    } finally {
      // It outlives sessions: neither a value nor the memory that it came in may stay with it.
      bytes = NOTHING_READ;
      findings = null;
    }
  };
}

/** What a span of several kinds is called: the first. */
const GRAVEST_FIRST: readonly DetectorKind[] = ['private-key', 'secret', 'card-number', 'ssn', 'email'];

function merge(a: Finding, b: Finding): Finding {
  const strictest = strictestMask(a.mask, b.mask)!;
  return {
    start: Math.min(a.start, b.start),
    end: Math.max(a.end, b.end),
    kind: GRAVEST_FIRST.find((kind) => kind === a.kind || kind === b.kind)!,
    // Two kinds in one span: what keeps four digits of one could show the other's.
    mask: a.kind === b.kind ? strictest : strictestMask(strictest, 'redact')!,
  };
}

const SSN_BYTES = 11;

/** `ddd-dd-dddd`, without the areas, groups and serials that are never given out (SSA, "Meaning of the SSN"). */
function isSsnAt(bytes: ByteSequence, start: number, to: number): boolean {
  if (start + SSN_BYTES > to || bytes[start + 3] !== DASH || bytes[start + 6] !== DASH) return false;
  const number = (offset: number, digits: number): number => {
    let value = 0;
    for (let i = start + offset; i < start + offset + digits; i++) {
      if (!isDigit(bytes[i]!)) return 0;
      value = value * 10 + bytes[i]! - 0x30;
    }
    return value;
  };
  const area = number(0, 3);
  if (area === 0 || area === 666 || area >= 900) return false;
  if (number(4, 2) === 0 || number(7, 4) === 0) return false;
  return start + SSN_BYTES === to || !isDigit(bytes[start + SSN_BYTES]!);
}

/** Of RFC 5322's atoms, without the few that text puts before an address (`=`, `/`, `{`, ...); letters of any script. */
const LOCAL = byteSet("azAZ09..__%%++--**~~!!##$$&&^^''", true);
const DOMAIN = byteSet('azAZ09..--', true);
const LETTER = byteSet('azAZ', true);
/** Longest part in quotes that is taken for a local part (RFC 5321, 4.5.3.1.1). */
const MAX_QUOTED = 64;

/** The address around the `@` at `at`. Neither side reads over another `@`, so each byte is read twice at most. */
function emailAround(
  bytes: ByteSequence,
  at: number,
  from: number,
  to: number,
): { readonly start: number; readonly end: number } | null {
  let end = at + 1;
  let lastDot = -1;
  while (end < to && DOMAIN[bytes[end]!] === 1) {
    if (bytes[end] === DOT) {
      if (bytes[end - 1] === DOT || end === at + 1) break;
      lastDot = end;
    }
    end += 1;
  }
  while (end > at + 1 && (bytes[end - 1] === DOT || bytes[end - 1] === DASH)) end -= 1;
  // The end of a sentence is not a top level domain.
  if (lastDot >= end) for (lastDot = end - 1; lastDot > at && bytes[lastDot] !== DOT; ) lastDot -= 1;
  if (lastDot <= at || end - lastDot < 3 || LETTER[bytes[lastDot + 1]!] !== 1) return null;

  let start = at;
  if (start > from && bytes[start - 1] === QUOTE) {
    const least = Math.max(from, at - 2 - MAX_QUOTED);
    for (let i = at - 2; i >= least; i--) if (bytes[i] === QUOTE) return { start: i, end };
  }
  while (start > from && LOCAL[bytes[start - 1]!] === 1) start -= 1;
  while (start < at && (bytes[start] === DOT || bytes[start] === 0x27)) start += 1;
  return start < at ? { start, end } : null;
}

const BEGIN = '-----BEGIN ';
const END = '-----END ';
const MAX_LABEL = 64;

/** The end of the PEM (RFC 7468) or OpenPGP private key that begins at `start`: behind its END line, or `to` without one; -1: none begins. */
function privateKeyEnd(bytes: ByteSequence, start: number, to: number): number {
  const labelStart = start + BEGIN.length;
  if (!hasAt(bytes, start, to, BEGIN)) return -1;
  const labelEnd = privateKeyLabelEnd(bytes, labelStart, to);
  if (labelEnd < 0) return -1;
  for (let i = labelEnd; i < to; i++) {
    if (bytes[i] !== DASH || !hasAt(bytes, i, to, END)) continue;
    const end = privateKeyLabelEnd(bytes, i + END.length, to);
    if (end > 0) return end;
  }
  // Cut off: what is there of the key is a secret all the same.
  return to;
}

/** Behind the dashes that close a label which names a private key, or -1. */
function privateKeyLabelEnd(bytes: ByteSequence, start: number, to: number): number {
  let named = false;
  for (let i = start; i < Math.min(to, start + MAX_LABEL); i++) {
    if (bytes[i] === DASH) return named && hasAt(bytes, i, to, '-----') ? i + 5 : -1;
    if (bytes[i] === 0x50 && hasAt(bytes, i, to, 'PRIVATE KEY')) named = true;
    if (bytes[i] === 0x0a) return -1;
  }
  return -1;
}
