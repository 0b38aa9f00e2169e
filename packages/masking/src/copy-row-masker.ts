import { type MaskName, TaskgateError } from '@taskgate/core';
import type { DetectorRule } from './detect.ts';
import { createRowMasker, type MaskedColumn } from './row-masker.ts';
import { concat, type MaskingPorts } from './text-mask.ts';

/** `null`: SQL NULL. `raw` is the field as it came, to be sent on where it is not masked. */
interface CopyField {
  readonly raw: Uint8Array;
  readonly value: Uint8Array | null;
}

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
   * the same array where nothing is masked. Throws `not-supported` for what is not such a row: the COPY must end.
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
  return {
    maskRow(data) {
      if (rows.needsValues.length === 0) return data;
      const fields = form.parse(data);
      // An empty line is a row of no columns as well as one of a single empty field.
      if (fields.length !== columns.length && !(columns.length === 0 && data.length <= 1))
        throw unreadable(`has ${fields.length} fields where ${columns.length} columns were decided on`);
      const parts: Uint8Array[] = [];
      let changed = false;
      for (const [index, field] of fields.entries()) {
        if (index > 0) parts.push(form.delimiter);
        const masked = rows.maskColumn(index, field.value);
        changed ||= masked !== undefined;
        parts.push(masked === undefined ? field.raw : form.encode(masked));
      }
      if (!changed) return data;
      parts.push(Uint8Array.of(NEWLINE));
      return concat(parts);
    },
    get maskedCells() {
      return rows.maskedCells;
    },
  };
}

const TEXT = 25;

function toColumn({ mask, typeOid, typeModifier = -1, isText = false }: CopyColumn): MaskedColumn {
  if (typeOid !== undefined) return { mask, typeOid, typeModifier, format: 'text', isText };
  return { mask: mask === null || mask === 'null' ? mask : 'redact', typeOid: TEXT, typeModifier: -1, format: 'text' };
}

const unreadable = (what: string): TaskgateError =>
  new TaskgateError('not-supported', `a copied row ${what}, so that it cannot be masked; select the rows instead`);

interface CopyForm {
  readonly delimiter: Uint8Array;
  readonly parse: (row: Uint8Array) => CopyField[];
  readonly encode: (value: Uint8Array | null) => Uint8Array;
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
const ESCAPE_OF_BYTE = new Map(ESCAPES.map(([letter, byte]) => [byte, letter.charCodeAt(0)]));

function lineOf(row: Uint8Array): Uint8Array {
  if (row.at(-1) !== NEWLINE) throw unreadable('has no end');
  return row.subarray(0, -1);
}

const TEXT_FORM: CopyForm = {
  delimiter: Uint8Array.of(TAB),
  parse(row) {
    const line = lineOf(row);
    if (line.includes(NEWLINE)) throw unreadable('is more than one');
    const fields: CopyField[] = [];
    for (let start = 0; start <= line.length; ) {
      const tab = line.indexOf(TAB, start);
      const end = tab < 0 ? line.length : tab;
      const raw = line.subarray(start, end);
      fields.push({ raw, value: unescapeText(raw) });
      start = end + 1;
    }
    return fields;
  },
  encode(value) {
    if (value === null) return Uint8Array.of(BACKSLASH, 0x4e);
    const escaped = new Uint8Array(value.length * 2);
    let length = 0;
    for (const byte of value) {
      const letter = ESCAPE_OF_BYTE.get(byte);
      if (letter !== undefined) escaped[length++] = BACKSLASH;
      escaped[length++] = letter ?? byte;
    }
    return escaped.slice(0, length);
  },
};

function unescapeText(raw: Uint8Array): Uint8Array | null {
  if (!raw.includes(BACKSLASH)) return raw;
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
  delimiter: Uint8Array.of(COMMA),
  parse(row) {
    const line = lineOf(row);
    const fields: CopyField[] = [];
    let i = 0;
    for (;;) {
      const start = i;
      let value: Uint8Array | null;
      if (line[i] === QUOTE) {
        const end = csvQuotedEnd(line, i);
        value = unquoteCsv(line.subarray(start + 1, end - 1));
        i = end;
        if (i < line.length && line[i] !== COMMA) throw unreadable('goes on behind a closing quote');
      } else {
        while (i < line.length && line[i] !== COMMA) {
          if (line[i] === QUOTE || line[i] === NEWLINE) throw unreadable('has a quote or a line end out of place');
          i += 1;
        }
        value = i === start ? null : line.subarray(start, i);
      }
      fields.push({ raw: line.subarray(start, i), value });
      if (i === line.length) return fields;
      i += 1;
    }
  },
  encode(value) {
    if (value === null) return new Uint8Array(0);
    // Quoted always: an empty string is not NULL, and a `\.` is not the end.
    const quoted = new Uint8Array(value.length * 2 + 2);
    let length = 0;
    quoted[length++] = QUOTE;
    for (const byte of value) {
      if (byte === QUOTE) quoted[length++] = QUOTE;
      quoted[length++] = byte;
    }
    quoted[length++] = QUOTE;
    return quoted.slice(0, length);
  },
};

/** Behind the quote that closes the one at `start`. */
function csvQuotedEnd(line: Uint8Array, start: number): number {
  for (let i = start + 1; i < line.length; i++) {
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
