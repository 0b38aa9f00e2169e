import { type MaskName, TaskgateError } from '@taskgate/core';
import type { DetectorRule } from './detect.ts';
import { createRowMasker, type MaskedColumn } from './row-masker.ts';
import type { MaskingPorts } from './text-mask.ts';

/** One column of a COPY. The protocol does not say its type: the caller may know it from the catalog. */
export interface CopyColumn {
  readonly mask: MaskName | null;
  /** Absent: not known; then every mask but `null` shows `[masked]`, since a mild one holds for text only. */
  readonly typeOid?: number;
  /** `atttypmod`, -1 for none. */
  readonly typeModifier?: number;
  /** As in {@link MaskedColumn}. */
  readonly isText?: boolean;
}

/** Bytes that are put one behind the other. */
export interface CopySink {
  /** Memory; another one after `reserve`. */
  readonly bytes: Uint8Array;
  length: number;
  /** Room for so many more bytes. */
  reserve(count: number): void;
}

export interface CopyRowMasker {
  /**
   * Puts one row as the client may see it into `sink`: that of a CopyData body, which lies in `bytes` from `from` to `to`
   * with its line end (Postgres sends a message a row). Throws `not-supported` for what is not such a row, of which a part
   * may be in `sink` then: the COPY must end.
   */
  maskRow(bytes: Uint8Array, from: number, to: number, sink: CopySink): void;
  /** Cells changed so far. */
  readonly maskedCells: number;
}

const NEWLINE = 0x0a;
const TAB = 0x09;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const QUOTE = 0x22;

/**
 * For one COPY TO STDOUT in text or csv format with the default delimiter, quote, escape and null string (COPY, "File
 * Formats"). `columns` in the order of the COPY. A header line is masked like any row: a name can be an alias of the
 * client's making.
 */
export function createCopyRowMasker(options: {
  readonly format: 'text' | 'csv';
  readonly columns: readonly CopyColumn[];
  readonly detectors: readonly DetectorRule[];
  readonly ports: MaskingPorts;
}): CopyRowMasker {
  const { detectors, ports } = options;
  const columns = options.columns.map(toColumn);
  const rows = createRowMasker({ columns, detectors, ports });
  const form = options.format === 'text' ? TEXT_FORM : CSV_FORM;
  const looked = columns.map((_, index) => rows.needsValues.includes(index));
  return {
    maskRow(bytes, from, to, sink) {
      if (rows.needsValues.length === 0) {
        sink.reserve(to - from);
        putBytes(bytes, from, to, sink);
        return;
      }
      const last = to - 1;
      if (last < from || bytes[last] !== NEWLINE) throw unreadable('has no end');
      /** `sink` has everything of the row up to here. */
      let copied = from;
      let start = from;
      let index = 0;
      for (; ; index++) {
        const found = form.fieldEnd(bytes, start, last);
        const plain = found >= 0;
        const end = plain ? found : ~found;
        if (looked[index] === true) {
          const masked = plain
            ? rows.maskRange(index, bytes, start, end)
            : rows.maskColumn(index, form.valueOf(bytes, start, end));
          if (masked !== undefined) {
            // All of the rest of the row fits too.
            sink.reserve(to - copied + form.mostBytes(masked === null ? 0 : masked.length));
            putBytes(bytes, copied, start, sink);
            sink.length = form.put(masked, sink.bytes, sink.length);
            copied = end;
          }
        }
        if (end === last) break;
        start = end + 1;
      }
      if (index + 1 !== columns.length)
        throw unreadable(`has ${index + 1} fields where ${columns.length} columns were decided on`);
      sink.reserve(to - copied);
      putBytes(bytes, copied, to, sink);
    },
    get maskedCells() {
      return rows.maskedCells;
    },
  };
}

/** Below this a loop is quicker than a call into the engine. */
const LOOP_BYTES = 64;

/** There is room. */
function putBytes(source: Uint8Array, from: number, to: number, sink: CopySink): void {
  const { bytes, length } = sink;
  if (to - from > LOOP_BYTES) bytes.set(source.subarray(from, to), length);
  else for (let i = from, at = length; i < to; i++) bytes[at++] = source[i]!;
  sink.length = length + to - from;
}

const TEXT = 25;

function toColumn({ mask, typeOid, typeModifier = -1, isText = false }: CopyColumn): MaskedColumn {
  if (typeOid !== undefined) return { mask, typeOid, typeModifier, format: 'text', isText };
  return { mask: mask === null || mask === 'null' ? mask : 'redact', typeOid: TEXT, typeModifier: -1, format: 'text' };
}

const unreadable = (what: string): TaskgateError =>
  new TaskgateError('not-supported', `a copied row ${what}, so that it cannot be masked; select the rows instead`);

interface CopyForm {
  /**
   * The end of the field at `start`: its delimiter, or `last`, the line's end; `~` of it where the field is not the value
   * itself, but something that `valueOf` reads.
   */
  readonly fieldEnd: (row: Uint8Array, start: number, last: number) => number;
  /** `null`: SQL NULL. */
  readonly valueOf: (row: Uint8Array, start: number, end: number) => Uint8Array | null;
  /** Of a value of so many bytes, or of a NULL. */
  readonly mostBytes: (length: number) => number;
  /** Writes the field for `value`; the bytes written so far, with it. */
  readonly put: (value: Uint8Array | null, bytes: Uint8Array, at: number) => number;
}

/** Letter behind a backslash, and the byte it stands for. The server writes no octal or hex escapes. */
const ESCAPES: readonly (readonly [string, number])[] = [
  ['b', 0x08],
  ['f', 0x0c],
  ['n', NEWLINE],
  ['r', 0x0d],
  ['t', TAB],
  ['v', 0x0b],
  ['\\', BACKSLASH],
];
const BYTE_OF_ESCAPE = new Map(ESCAPES.map(([letter, byte]) => [letter.charCodeAt(0), byte]));
/** 0: none. */
const ESCAPE_OF_BYTE = new Uint8Array(256);
for (const [letter, byte] of ESCAPES) ESCAPE_OF_BYTE[byte] = letter.charCodeAt(0);

const TEXT_FORM: CopyForm = {
  fieldEnd(row, start, last) {
    let escaped = false;
    let end = start;
    for (; end < last; end++) {
      const byte = row[end]!;
      if (byte === TAB) break;
      if (byte === BACKSLASH) escaped = true;
      else if (byte === NEWLINE) throw unreadable('is more than one');
    }
    return escaped ? ~end : end;
  },
  valueOf: (row, start, end) => unescapeText(row.subarray(start, end)),
  mostBytes: (length) => length * 2 + 2,
  put(value, bytes, at) {
    let to = at;
    if (value === null) {
      bytes[to++] = BACKSLASH;
      bytes[to++] = 0x4e;
      return to;
    }
    for (let i = 0; i < value.length; i++) {
      const byte = value[i]!;
      const letter = ESCAPE_OF_BYTE[byte]!;
      if (letter !== 0) bytes[to++] = BACKSLASH;
      bytes[to++] = letter === 0 ? byte : letter;
    }
    return to;
  },
};

function unescapeText(raw: Uint8Array): Uint8Array | null {
  if (raw.length === 2 && raw[1] === 0x4e) return null;
  const value = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== BACKSLASH) {
      value[length++] = raw[i]!;
      continue;
    }
    i += 1;
    const byte = BYTE_OF_ESCAPE.get(raw[i] ?? 0);
    // `\.` too, the end marker of old protocols: nothing that the server sends within a row.
    if (byte === undefined) throw unreadable('has an escape that the server does not write');
    value[length++] = byte;
  }
  return value.subarray(0, length);
}

const CSV_FORM: CopyForm = {
  fieldEnd(row, start, last) {
    if (row[start] === QUOTE) {
      const end = csvQuotedEnd(row, start, last);
      if (end < last && row[end] !== COMMA) throw unreadable('goes on behind a closing quote');
      return ~end;
    }
    let end = start;
    for (; end < last; end++) {
      const byte = row[end]!;
      if (byte === COMMA) break;
      if (byte === QUOTE || byte === NEWLINE) throw unreadable('has a quote or a line end out of place');
    }
    return end === start ? ~end : end;
  },
  valueOf: (row, start, end) => (start === end ? null : unquoteCsv(row.subarray(start + 1, end - 1))),
  mostBytes: (length) => length * 2 + 2,
  put(value, bytes, at) {
    if (value === null) return at;
    // Quoted always: an empty string is not NULL, and a `\.` is not the end.
    let to = at;
    bytes[to++] = QUOTE;
    for (let i = 0; i < value.length; i++) {
      if (value[i] === QUOTE) bytes[to++] = QUOTE;
      bytes[to++] = value[i]!;
    }
    bytes[to++] = QUOTE;
    return to;
  },
};

/** Behind the quote that closes the one at `start`. */
function csvQuotedEnd(line: Uint8Array, start: number, last: number): number {
  for (let i = start + 1; i < last; i++) {
    if (line[i] !== QUOTE) continue;
    if (line[i + 1] === QUOTE) i += 1;
    else return i + 1;
  }
  throw unreadable('has a quote that is not closed');
}

function unquoteCsv(quoted: Uint8Array): Uint8Array {
  if (!quoted.includes(QUOTE)) return quoted;
  const value = new Uint8Array(quoted.length);
  let length = 0;
  for (let i = 0; i < quoted.length; i++) {
    if (quoted[i] === QUOTE) i += 1;
    value[length++] = quoted[i]!;
  }
  return value.subarray(0, length);
}
