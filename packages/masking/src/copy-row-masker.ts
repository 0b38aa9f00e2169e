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

export interface CopyRowMasker {
  /**
   * One CopyData body, which is one row with its line end (Postgres sends a message a row), as the client may see it;
   * the same array where nothing is masked, else memory that the next call uses again. Throws `not-supported` for what is
   * not such a row: the COPY must end.
   */
  maskRow(data: Uint8Array): Uint8Array;
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
  let scratch = new Uint8Array(SCRATCH_BYTES);
  return {
    maskRow(data) {
      if (rows.needsValues.length === 0) return data;
      const last = data.length - 1;
      if (data[last] !== NEWLINE) throw unreadable('has no end');
      if (scratch.length > MAX_KEPT_BYTES) scratch = new Uint8Array(SCRATCH_BYTES);
      /** Written to `scratch`, which has everything of the row up to `copied`. */
      let length = 0;
      let copied = 0;
      let start = 0;
      let index = 0;
      for (; ; index++) {
        const end = form.fieldEnd(data, start, last);
        if (looked[index] === true) {
          const masked = rows.maskColumn(index, form.valueOf(data, start, end));
          if (masked !== undefined) {
            // All of the rest of the row fits too.
            const most = length + data.length + form.mostBytes(masked === null ? 0 : masked.length);
            if (most > scratch.length) scratch = grown(scratch, length, most);
            for (let i = copied; i < start; i++) scratch[length++] = data[i]!;
            length = form.put(masked, scratch, length);
            copied = end;
          }
        }
        if (end === last) break;
        start = end + 1;
      }
      if (index + 1 !== columns.length)
        throw unreadable(`has ${index + 1} fields where ${columns.length} columns were decided on`);
      if (copied === 0 && length === 0) return data;
      for (let i = copied; i <= last; i++) scratch[length++] = data[i]!;
      return scratch.subarray(0, length);
    },
    get maskedCells() {
      return rows.maskedCells;
    },
  };
}

const SCRATCH_BYTES = 1024;
/** Memory that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 256 * 1024;

function grown(bytes: Uint8Array<ArrayBuffer>, length: number, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, bytes.length * 2));
  larger.set(bytes.subarray(0, length));
  return larger;
}

const TEXT = 25;

function toColumn({ mask, typeOid, typeModifier = -1, isText = false }: CopyColumn): MaskedColumn {
  if (typeOid !== undefined) return { mask, typeOid, typeModifier, format: 'text', isText };
  return { mask: mask === null || mask === 'null' ? mask : 'redact', typeOid: TEXT, typeModifier: -1, format: 'text' };
}

const unreadable = (what: string): TaskgateError =>
  new TaskgateError('not-supported', `a copied row ${what}, so that it cannot be masked; select the rows instead`);

interface CopyForm {
  /** The end of the field at `start`: its delimiter, or `last`, the line's end. */
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
    let end = start;
    for (; end < last; end++) {
      const byte = row[end]!;
      if (byte === TAB) return end;
      if (byte === NEWLINE) throw unreadable('is more than one');
    }
    return end;
  },
  valueOf(row, start, end) {
    let escaped = false;
    for (let i = start; i < end; i++) if (row[i] === BACKSLASH) escaped = true;
    const raw = row.subarray(start, end);
    return escaped ? unescapeText(raw) : raw;
  },
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
      return end;
    }
    let end = start;
    for (; end < last; end++) {
      const byte = row[end]!;
      if (byte === COMMA) return end;
      if (byte === QUOTE || byte === NEWLINE) throw unreadable('has a quote or a line end out of place');
    }
    return end;
  },
  valueOf(row, start, end) {
    if (start === end) return null;
    return row[start] === QUOTE ? unquoteCsv(row.subarray(start + 1, end - 1)) : row.subarray(start, end);
  },
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
