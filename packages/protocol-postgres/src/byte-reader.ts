import { utf8Decode, utf8DecodeLossy } from '@taskgate/core';
import { ProtocolError, violation } from './protocol-error.ts';

const NAME_BYTES = 64;

/** Reads one message front to back. Every read is checked against the end; what does not fit throws `08P01`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;

  /** `what` names the message in errors, such as `bind`. */
  constructor(bytes: Uint8Array, start: number, what: string) {
    this.#bytes = bytes;
    this.#at = start;
    this.#what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    if (count < 0 || count > this.remaining) throw violation(`${this.#what} message ends too early`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  i32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A 32-bit length and that many bytes; -1 is null. */
  value(): Uint8Array | null {
    const length = this.i32();
    if (length === -1) return null;
    if (length < 0) throw violation(`${this.#what} message holds a value of the impossible length ${length}`);
    return this.bytes(length);
  }

  #terminated(): Uint8Array {
    const end = this.#terminator();
    const text = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #terminator(): number {
    const bytes = this.#bytes;
    // Names are short, or empty: a loop is quicker than a call into the engine.
    const near = Math.min(bytes.length, this.#at + NAME_BYTES);
    for (let i = this.#at; i < near; i++) if (bytes[i] === 0) return i;
    const end = bytes.indexOf(0, near);
    if (end === -1) throw violation(`${this.#what} message holds a string without its terminator`);
    return end;
  }

  /** A zero-terminated string, strictly UTF-8: other bytes throw `22021`. */
  text(field: string): string {
    if (this.#bytes[this.#at] === 0) {
      this.#at += 1;
      return '';
    }
    const text = utf8Decode(this.#terminated());
    if (text === null) throw new ProtocolError('22021', `${field} is not valid utf-8`);
    return text;
  }

  /** For display only: a server's words before its encoding is known. */
  lossyText(): string {
    return utf8DecodeLossy(this.#terminated());
  }

  /** Format codes: a 16-bit count, then 0 (text) or 1 (binary) each. */
  formats(): FormatCode[] {
    const count = this.u16();
    const formats: FormatCode[] = [];
    for (let i = 0; i < count; i++) formats.push(this.format());
    return formats;
  }

  format(): FormatCode {
    const format = this.u16();
    if (format !== 0 && format !== 1) throw violation(`${this.#what} message holds the unknown format code ${format}`);
    return format;
  }

  /** Every byte must have been read: left-overs are where a second message hides. */
  end(): void {
    if (this.remaining > 0) throw violation(`${this.#what} message has ${this.remaining} bytes too many`);
  }
}

/** 0: text, 1: binary. */
export type FormatCode = 0 | 1;
