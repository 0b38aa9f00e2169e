import { type ByteSequence, isDigit } from './byte-sequence.ts';

const SPACE = 0x20;
const DASH = 0x2d;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
const PREFIX_DIGITS = 4;

/**
 * The end of a card number that starts with the run of digits at `start`, or -1. A card number is 13 to 19 digits,
 * with single spaces or dashes between any two, that an issuer hands out and whose Luhn sum fits; of several the
 * longest. It ends where a run of digits ends: part of a longer run is an id, not a card. Looks at 38 bytes at most.
 */
export function cardNumberEnd(bytes: ByteSequence, start: number, to: number): number {
  let best = -1;
  let count = 0;
  let prefix = 0;
  // Which digits are doubled is known only at the end: both sums are kept.
  let doubledEven = 0;
  let doubledOdd = 0;
  let i = start;
  while (i < to) {
    const byte = bytes[i]!;
    if (isDigit(byte)) {
      if (count === MAX_DIGITS) return best;
      const digit = byte - 0x30;
      const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
      doubledEven += count % 2 === 0 ? doubled : digit;
      doubledOdd += count % 2 === 0 ? digit : doubled;
      if (count < PREFIX_DIGITS) {
        prefix = prefix * 10 + digit;
        // Most numbers are told apart by how they start: the rest is then not read.
        if (count === PREFIX_DIGITS - 1 && !isIssued(prefix, 16) && !isIssued(prefix, 15)) return -1;
      }
      count += 1;
      i += 1;
      const runEnds = i >= to || !isDigit(bytes[i]!);
      const sum = count % 2 === 0 ? doubledEven : doubledOdd;
      if (runEnds && count >= MIN_DIGITS && sum % 10 === 0 && isIssued(prefix, count)) best = i;
      continue;
    }
    const separated = byte === SPACE || byte === DASH;
    if (!separated || i + 1 >= to || !isDigit(bytes[i + 1]!)) return best;
    i += 1;
  }
  return best;
}

/** Lengths and first four digits as the card schemes publish them (ISO/IEC 7812 issuer ranges). */
function isIssued(prefix: number, digits: number): boolean {
  const two = Math.floor(prefix / 100);
  const three = Math.floor(prefix / 10);
  if (two >= 40 && two <= 49) return digits === 13 || digits === 16 || digits === 19; // Visa
  if ((two >= 51 && two <= 55) || (prefix >= 2221 && prefix <= 2720)) return digits === 16; // Mastercard
  if (two === 34 || two === 37) return digits === 15; // American Express
  if ((three >= 300 && three <= 305) || two === 36 || two === 38 || two === 39) return digits >= 14; // Diners Club
  if (prefix >= 3528 && prefix <= 3589) return digits >= 16; // JCB
  if (prefix >= 2200 && prefix <= 2204) return digits >= 16; // Mir
  if (two === 50 || (two >= 56 && two <= 59) || two === 63 || two === 67) return true; // Maestro
  // Discover, UnionPay, RuPay, and Maestro in between
  return two === 60 || two === 61 || two === 62 || two === 64 || two === 65 || two === 66 || two === 68 || two === 69
    ? digits >= 16
    : (two === 81 || two === 82) && digits >= 16;
}
