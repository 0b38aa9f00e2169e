import { equalBytes, utf8Decode, utf8Encode } from '@taskgate/core';
import { isDigit } from './byte-sequence.ts';
import type { Detect, Finding } from './detect.ts';
import { padTo } from './mask-value.ts';
import {
  BPCHAR,
  type ColumnType,
  contentOf,
  elementOf,
  JSONB_OID,
  maxCharactersOf,
  redactedValue,
} from './postgres-type.ts';
import { concat, cutCharacters, type MaskingPorts, maskFinding } from './text-mask.ts';

/** The value with what was found masked; `null`: SQL NULL; `undefined`: nothing was found, send it as it is. */
export type Masked = Uint8Array | null | undefined;

/** Masks what detectors find within a value of the column's type, which lies in `bytes` from `from` to `to`. */
export type MaskContent = (bytes: Uint8Array, from: number, to: number) => Masked;
type MaskTyped = (value: Uint8Array, type: ColumnType) => Masked;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DASH = 0x2d;

/** Looks at a type once: a column has many values. */
export function createContentMasker(detect: Detect, ports: MaskingPorts): (type: ColumnType) => MaskContent {
  const maskSpan = (bytes: Uint8Array, from: number, to: number): Masked => {
    const findings = detect(bytes, from, to);
    if (findings.length === 0) return undefined;
    const parts: Uint8Array[] = [];
    let done = from;
    let changed = false;
    for (const finding of findings) {
      const span = bytes.subarray(finding.start, finding.end);
      const shown = maskFinding(finding, span, ports);
      if (shown === null) return null;
      // An address that is masked already looks like one: not a change.
      changed ||= !equalBytes(shown, span);
      parts.push(bytes.subarray(done, finding.start), shown);
      done = finding.end;
    }
    parts.push(bytes.subarray(done, to));
    return changed ? concat(parts) : undefined;
  };

  /**
   * Goes over the strings and numbers of a JSON text, or (with `inArray`) over the elements of an array's text form,
   * and puts what a quoted string holds back in quotes.
   */
  const maskJson = (bytes: Uint8Array, from: number): Masked => {
    if (bytes.indexOf(BACKSLASH) < 0 && detect(bytes, from).length === 0) return undefined;
    const parts: Uint8Array[] = [];
    let done = from;
    let i = from;
    while (i < bytes.length) {
      const start = i;
      const byte = bytes[i]!;
      let masked: Masked;
      if (byte === QUOTE) {
        const end = quotedEnd(bytes, i);
        masked = maskQuoted(bytes, start, end, decodeJsonString, (text) => utf8Encode(JSON.stringify(text)), maskSpan);
        i = end;
      } else if (isDigit(byte) || byte === DASH) {
        while (i < bytes.length && isNumberByte(bytes[i]!)) i += 1;
        masked = maskSpan(bytes, start, i);
        // A number that was masked is none any more.
        if (masked) masked = concat([Uint8Array.of(QUOTE), masked, Uint8Array.of(QUOTE)]);
      } else {
        i += 1;
        continue;
      }
      if (masked === null) return null;
      if (masked === undefined) continue;
      parts.push(bytes.subarray(done, start), masked);
      done = i;
    }
    if (parts.length === 0) return undefined;
    parts.push(bytes.subarray(done));
    return concat([bytes.subarray(0, from), ...parts]);
  };

  const maskScalar: MaskTyped = (value, type) => {
    const content = contentOf(type);
    if (content === 'none') return undefined;
    if (content === 'json') {
      // jsonb's binary form is a version and the text.
      const textStart = type.oid === JSONB_OID && type.format === 'binary' ? 1 : 0;
      return maskJson(value, Math.min(textStart, value.length));
    }
    if (content === 'opaque') {
      // Any byte over 0x7f is taken for a letter: in a binary form that would find addresses in noise.
      const certain = (finding: Finding): boolean =>
        type.format === 'text' || value.subarray(finding.start, finding.end).every((byte) => byte < 0x80);
      return detect(value).some(certain) ? null : undefined;
    }
    const masked = maskSpan(value, 0, value.length);
    if (!masked) return masked;
    const room = maxCharactersOf(type.oid, type.typeModifier);
    const cut = room === null ? masked : cutCharacters(masked, room);
    return type.oid === BPCHAR ? padTo(cut, room) : cut;
  };

  const maskTextArray: MaskTyped = (value, type) => {
    const element: ColumnType = { ...type, oid: elementOf(type.oid)! };
    if (value.indexOf(BACKSLASH) < 0 && detect(value).length === 0) return undefined;
    const parts: Uint8Array[] = [];
    let done = 0;
    let i = 0;
    const opening = value.indexOf(0x7b);
    if (opening > 0) i = opening; // `[2:3]={...}` says its bounds first
    while (i < value.length) {
      const start = i;
      if (isArraySyntax(value[i]!)) {
        i += 1;
        continue;
      }
      let plain: Uint8Array;
      if (value[i] === QUOTE) {
        i = quotedEnd(value, i);
        plain = unescapeArrayElement(value.subarray(start + 1, i - 1));
      } else {
        while (i < value.length && !isArraySyntax(value[i]!)) i += 1;
        plain = value.subarray(start, i);
      }
      const masked = maskScalar(plain, element);
      if (masked === null) return null;
      if (masked === undefined) continue;
      parts.push(value.subarray(done, start), quoteArrayElement(masked));
      done = i;
    }
    if (parts.length === 0) return undefined;
    parts.push(value.subarray(done));
    return concat(parts);
  };

  return (type) => {
    const content = contentOf(type);
    if (content === 'text' && type.oid !== BPCHAR && maxCharactersOf(type.oid, type.typeModifier) === null)
      return maskSpan;
    if (content !== 'array') return (bytes, from, to) => maskScalar(bytes.subarray(from, to), type);
    if (type.format === 'text') return (bytes, from, to) => maskTextArray(bytes.subarray(from, to), type);
    return (bytes, from, to) => {
      const masked = maskBinaryArray(bytes.subarray(from, to), type, maskScalar);
      return masked === 'malformed' ? redactedValue(type) : masked;
    };
  };
}

function maskQuoted(
  bytes: Uint8Array,
  start: number,
  end: number,
  decode: (quoted: Uint8Array) => Uint8Array | null,
  encode: (text: string) => Uint8Array,
  maskSpan: (bytes: Uint8Array, from: number, to: number) => Masked,
): Masked {
  const closed = end - 1 > start && bytes[end - 1] === QUOTE;
  const escaped = bytes.subarray(start, end).includes(BACKSLASH);
  if (escaped && closed) {
    // Escapes could hide what is looked for (`\u0040`), and line ends in a key are written as such.
    const plain = decode(bytes.subarray(start, end));
    if (plain !== null) {
      const masked = maskSpan(plain, 0, plain.length);
      if (!masked) return masked;
      const text = utf8Decode(masked);
      if (text !== null) return encode(text);
    }
  }
  const to = closed ? end - 1 : end;
  const masked = maskSpan(bytes, start + 1, to);
  if (!masked) return masked;
  return concat([bytes.subarray(start, start + 1), masked, bytes.subarray(to, end)]);
}

/** Behind the quote that closes the one at `start`, or the end of the bytes. */
function quotedEnd(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i += 1;
    else if (bytes[i] === QUOTE) return i + 1;
  }
  return bytes.length;
}

function decodeJsonString(quoted: Uint8Array): Uint8Array | null {
  const text = utf8Decode(quoted);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? utf8Encode(value) : null;
  } catch {
    return null;
  }
}

const isNumberByte = (byte: number): boolean =>
  isDigit(byte) || byte === DASH || byte === 0x2b || byte === 0x2e || byte === 0x45 || byte === 0x65;

/** `{`, `}` and `,`: the delimiter of every built-in type but box. */
const isArraySyntax = (byte: number): boolean => byte === 0x7b || byte === 0x7d || byte === 0x2c;

function unescapeArrayElement(escaped: Uint8Array): Uint8Array {
  if (!escaped.includes(BACKSLASH)) return escaped;
  const plain = new Uint8Array(escaped.length);
  let length = 0;
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === BACKSLASH && i + 1 < escaped.length) i += 1;
    plain[length++] = escaped[i]!;
  }
  return plain.subarray(0, length);
}

function quoteArrayElement(plain: Uint8Array): Uint8Array {
  const quoted: number[] = [QUOTE];
  for (const byte of plain) {
    if (byte === QUOTE || byte === BACKSLASH) quoted.push(BACKSLASH);
    quoted.push(byte);
  }
  quoted.push(QUOTE);
  return Uint8Array.from(quoted);
}

/** Dimensions that Postgres allows (MAXDIM). */
const MAX_DIMENSIONS = 6;

/** `array_send`'s form: dimensions, has-nulls, element type, (size, lower bound) a dimension, then (length, bytes) an element. */
function maskBinaryArray(value: Uint8Array, type: ColumnType, maskElement: MaskTyped): Masked | 'malformed' {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length < 12) return 'malformed';
  const dimensions = view.getInt32(0);
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS) return 'malformed';
  const element: ColumnType = { ...type, oid: view.getUint32(8) };
  let offset = 12 + dimensions * 8;
  if (offset > value.length) return 'malformed';
  const parts: Uint8Array[] = [];
  let done = 0;
  while (offset < value.length) {
    if (offset + 4 > value.length) return 'malformed';
    const length = view.getInt32(offset);
    const start = offset + 4;
    if (length < -1 || start + Math.max(0, length) > value.length) return 'malformed';
    offset = start + Math.max(0, length);
    if (length === -1) continue;
    const masked = maskElement(value.subarray(start, offset), element);
    if (masked === null) return null;
    if (masked === undefined) continue;
    const header = new Uint8Array(4);
    new DataView(header.buffer).setInt32(0, masked.length);
    parts.push(value.subarray(done, start - 4), header, masked);
    done = offset;
  }
  if (parts.length === 0) return undefined;
  parts.push(value.subarray(done));
  return concat(parts);
}
