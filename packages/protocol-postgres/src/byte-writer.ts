import { assert, utf8Encode } from '@taskgate/core';

/** Builds one message. What does not fit its field is a broken invariant of ours, not a peer's fault. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length: number;
  readonly #lengthAt: number;

  /** `tag` `null`: a packet without one (startup, cancel). */
  constructor(tag: number | null) {
    this.#lengthAt = tag === null ? 0 : 1;
    this.#length = this.#lengthAt + 4;
    if (tag !== null) this.#bytes[0] = tag;
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  u8(value: number): this {
    // Not in one expression: the array would be read before it is grown.
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    assert(value >= 0 && value <= 0xffff, 'a 16-bit count overflows');
    return this.i16(value);
  }

  i16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  i32(value: number): this {
    const at = this.#grow(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A 32-bit length and the bytes; `null` is -1. */
  value(value: Uint8Array | null): this {
    return value === null ? this.i32(-1) : this.i32(value.length).bytes(value);
  }

  text(text: string): this {
    // A terminator inside would end the field early and turn the rest into other fields.
    assert(!text.includes('\0'), 'a string of the protocol cannot hold a nul');
    return this.bytes(utf8Encode(text)).u8(0);
  }

  formats(formats: readonly number[]): this {
    this.u16(formats.length);
    for (const format of formats) this.i16(format);
    return this;
  }

  /** The whole message with its length filled in. */
  finish(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    const length = this.#length - this.#lengthAt;
    assert(length <= 0x7fffffff, 'a message is too long');
    bytes[this.#lengthAt] = length >>> 24;
    bytes[this.#lengthAt + 1] = length >>> 16;
    bytes[this.#lengthAt + 2] = length >>> 8;
    bytes[this.#lengthAt + 3] = length;
    return bytes;
  }
}

/** A message without a body. */
export function encodeEmpty(tag: number): Uint8Array {
  return new ByteWriter(tag).finish();
}
