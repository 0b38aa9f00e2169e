import { utf8DecodeLossy, utf8Encode } from '@taskgate/core';

/** Above this many characters the engine's own codec is quicker than a loop. */
const LOOP_CHARACTERS = 256;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DIGIT_0 = 0x30;
const LOWER_A = 0x61;
const LOWER_X = 0x78;
const POINT = 0x2e;
const INITIAL_BYTES = 4 * 1024;
/** Memory that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 512 * 1024;
const MAX_KEPT = 8;
const kept: Uint8Array<ArrayBuffer>[] = [];
const EMPTY = new Uint8Array(0);

const hexDigit = (value: number): number => (value < 10 ? DIGIT_0 + value : LOWER_A + value - 10);

/**
 * JSON put together as the bytes that are written: no string is made of what is a byte for each character anyway. The
 * memory is borrowed while there is something in it: thousands of quiet recordings hold none.
 */
export class JsonBytes {
  bytes: Uint8Array<ArrayBuffer> = EMPTY;
  length = 0;

  /** Everything that was put is gone; the memory may be another's from here on. */
  clear(): void {
    if (this.bytes.length >= INITIAL_BYTES && this.bytes.length <= MAX_KEPT_BYTES && kept.length < MAX_KEPT)
      kept.push(this.bytes);
    this.bytes = EMPTY;
    this.length = 0;
  }

  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    let grown = this.length === 0 ? kept.pop() : undefined;
    if (grown === undefined || grown.length < needed)
      grown = new Uint8Array(Math.max(needed, this.bytes.length * 2, INITIAL_BYTES));
    if (this.length > 0) grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** The first `count` bytes. */
  put(source: Uint8Array, count = source.length): void {
    this.reserve(count);
    this.bytes.set(count === source.length ? source : source.subarray(0, count), this.length);
    this.length += count;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** JSON as it is. */
  raw(json: string): void {
    const { length } = json;
    if (length > LOOP_CHARACTERS) return this.put(utf8Encode(json));
    this.reserve(length);
    const { bytes } = this;
    const start = this.length;
    for (let i = 0; i < length; i++) {
      const code = json.charCodeAt(i);
      if (code > 0x7f) return this.put(utf8Encode(json));
      bytes[start + i] = code;
    }
    this.length = start + length;
  }

  /** A string or `null`. */
  text(value: string | null): void {
    if (value === null) return this.raw('null');
    const { length } = value;
    if (length > LOOP_CHARACTERS) return this.raw(JSON.stringify(value));
    this.reserve(length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x20 || code > 0x7f || code === QUOTE || code === BACKSLASH) return this.raw(JSON.stringify(value));
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** A string: the UTF-8 that lies in `source` from `from` to `to`. What is none becomes U+FFFD. */
  textOf(source: Uint8Array, from: number, to: number): void {
    if (to - from > LOOP_CHARACTERS) return this.text(utf8DecodeLossy(source.subarray(from, to)));
    this.reserve(to - from + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = from; i < to; i++) {
      const byte = source[i]!;
      if (byte < 0x20 || byte > 0x7f || byte === QUOTE || byte === BACKSLASH)
        return this.raw(JSON.stringify(utf8DecodeLossy(source.subarray(from, to))));
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** A string: `\\x` and the bytes in lower hex. */
  hexOf(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    this.reserve(count * 2 + 5);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    bytes[at++] = BACKSLASH;
    bytes[at++] = BACKSLASH;
    bytes[at++] = LOWER_X;
    for (let i = from; i < to; i++) {
      const byte = source[i]!;
      bytes[at++] = hexDigit(byte >> 4);
      bytes[at++] = hexDigit(byte & 15);
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) return this.#fraction(value);
    this.reserve(17);
    this.#digits(value);
  }

  /** Thousandths are frequent: milliseconds of a clock of microseconds. */
  #fraction(value: number): void {
    const whole = Math.floor(value);
    let rest = Math.round((value - whole) * 1000);
    if (!(value > 0 && value < 1e9) || rest === 0 || rest === 1000 || whole + rest / 1000 !== value)
      return this.raw(JSON.stringify(value));
    this.reserve(17);
    this.#digits(whole);
    const { bytes } = this;
    bytes[this.length++] = POINT;
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = (rest / unit) | 0;
      bytes[this.length++] = DIGIT_0 + digit;
      rest -= digit * unit;
    }
  }

  #digits(value: number): void {
    const { bytes } = this;
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count += 1;
    let at = this.length + count;
    this.length = at;
    let rest = value;
    // Small integers divide much faster.
    while (rest > 0x3fffffff) {
      const next = Math.floor(rest / 10);
      bytes[--at] = DIGIT_0 + (rest - next * 10);
      rest = next;
    }
    let small = rest | 0;
    do {
      const next = (small / 10) | 0;
      bytes[--at] = DIGIT_0 + (small - next * 10);
      small = next;
    } while (small > 0);
  }
}
