import { type ByteSequence, isDigit } from './byte-sequence.ts';

const SPACE = 0x20;
const DASH = 0x2d;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
const PREFIX_DIGITS = 4;

/** Of the digits of a chain, the last so many are remembered: more than a card number has, and a power of two. */
const REMEMBERED = 32;

export interface DigitChainVisitor {
  /** A run of digits starts here. */
  run(start: number): void;
  /** A card number. Several that overlap are told one by one, by their ends. */
  card(start: number, end: number): void;
}

/**
 * Goes over a chain of digits, single spaces and dashes, and returns its end. A card number is 13 to 19 digits of it
 * that an issuer hands out and whose Luhn sum fits. It starts and ends where runs of digits do: part of a longer run is
 * an id, not a card. Every stretch of runs is looked at, not only the first: numbers stand beside each other in text.
 * Each digit costs the same few steps, by Luhn sums from the start of the chain that are subtracted.
 */
export function createDigitChainScanner(): (
  bytes: ByteSequence,
  start: number,
  to: number,
  startsInFraction: boolean,
  visitor: DigitChainVisitor,
) => number {
  const digits = new Uint8Array(REMEMBERED);
  /** Before each digit: Luhn sum modulo ten with every even digit of the chain doubled, and with every odd one. */
  const evenDoubled = new Uint8Array(REMEMBERED);
  const oddDoubled = new Uint8Array(REMEMBERED);
  /** Where the digit lies if a run starts with it, else -1. */
  const runStarts = new Float64Array(REMEMBERED);

  return (bytes, start, to, startsInFraction, visitor) => {
    let count = 0;
    let even = 0;
    let odd = 0;
    let i = start;
    for (;;) {
      visitor.run(i);
      // A fraction is not a card number: one in ten floats that start with a 4 would be.
      let runStart = startsInFraction && i === start ? -1 : i;
      for (; i < to; i++, count++) {
        const digit = bytes[i]! - 0x30;
        if (digit < 0 || digit > 9) break;
        const at = count % REMEMBERED;
        digits[at] = digit;
        evenDoubled[at] = even;
        oddDoubled[at] = odd;
        runStarts[at] = runStart;
        runStart = -1;
        const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
        even = (even + (count % 2 === 0 ? doubled : digit)) % 10;
        odd = (odd + (count % 2 === 0 ? digit : doubled)) % 10;
      }
      for (let length = MIN_DIGITS; length <= MAX_DIGITS && length <= count; length++) {
        const first = (count - length) % REMEMBERED;
        if (runStarts[first]! < 0) continue;
        // The last digit is never doubled.
        const sum = count % 2 === 0 ? even - evenDoubled[first]! : odd - oddDoubled[first]!;
        if (sum % 10 === 0 && isIssued(prefixAt(digits, first), length)) visitor.card(runStarts[first]!, i);
      }
      const separated = i + 1 < to && (bytes[i] === SPACE || bytes[i] === DASH) && isDigit(bytes[i + 1]!);
      if (!separated) return i;
      i += 1;
    }
  };
}

function prefixAt(digits: Uint8Array, first: number): number {
  let prefix = 0;
  for (let i = 0; i < PREFIX_DIGITS; i++) prefix = prefix * 10 + digits[(first + i) % REMEMBERED]!;
  return prefix;
}

/** Lengths and first four digits as the card schemes publish them (ISO/IEC 7812 issuer ranges). */
export function isIssued(prefix: number, digits: number): boolean {
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
