import { assert } from '@taskgate/core';
import { BACKEND_TAG } from './message-tags.ts';
import { violation } from './protocol-error.ts';

/** Where the values of a DataRow lie in its own bytes. */
export interface DataRow {
  readonly raw: Uint8Array;
  readonly columnCount: number;
  /** Two entries a column: offset of the value in `raw`, and its length in bytes or -1 for null. */
  readonly spans: Int32Array;
}

const COLUMNS_AT = 5;
const VALUES_AT = 7;
/** libpq and Postgres alike take no message of more than 1 GB. */
const MAX_ROW_BYTES = 0x3fffffff;

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readColumnCount(raw: Uint8Array): number {
  if (raw.length < VALUES_AT || raw[0] !== BACKEND_TAG.dataRow || readInt32(raw, 1) !== raw.length - 1)
    throw violation('not a whole data row');
  return (raw[COLUMNS_AT]! << 8) | raw[COLUMNS_AT + 1]!;
}

/** Length of the value whose length field is at `at`, checked: -1 (null), or so many bytes that are really there. */
function readValueLength(raw: Uint8Array, at: number): number {
  if (raw.length - at < 4) throw violation('data row ends too early');
  const length = readInt32(raw, at);
  if (length < -1 || length > raw.length - at - 4)
    throw violation(`data row holds a value of the impossible length ${length}`);
  return length;
}

function checkEnd(raw: Uint8Array, at: number): void {
  if (at !== raw.length) throw violation(`data row has ${raw.length - at} bytes too many`);
}

export function decodeDataRow(raw: Uint8Array): DataRow {
  const columnCount = readColumnCount(raw);
  // Before allocating: each column needs its length field at least.
  if (columnCount * 4 > raw.length - VALUES_AT) throw violation('data row ends too early');
  const spans = new Int32Array(columnCount * 2);
  let at = VALUES_AT;
  for (let i = 0; i < columnCount; i++) {
    const length = readValueLength(raw, at);
    at += 4;
    spans[i * 2] = at;
    spans[i * 2 + 1] = length;
    if (length > 0) at += length;
  }
  checkEnd(raw, at);
  return { raw, columnCount, spans };
}

/** A view of one value; `null` for null. */
export function dataRowValue(row: DataRow, column: number): Uint8Array | null {
  assert(column >= 0 && column < row.columnCount, 'no such column in the data row');
  const length = row.spans[column * 2 + 1]!;
  if (length === -1) return null;
  const start = row.spans[column * 2]!;
  return row.raw.subarray(start, start + length);
}

export function encodeDataRow(values: readonly (Uint8Array | null)[]): Uint8Array {
  assert(values.length <= 0xffff, 'too many columns');
  let size = VALUES_AT;
  for (const value of values) size += 4 + (value?.length ?? 0);
  assert(size <= MAX_ROW_BYTES, 'a data row is too long');
  const raw = new Uint8Array(size);
  raw[0] = BACKEND_TAG.dataRow;
  writeInt32(raw, 1, size - 1);
  raw[COLUMNS_AT] = values.length >>> 8;
  raw[COLUMNS_AT + 1] = values.length;
  let at = VALUES_AT;
  for (const value of values) at = writeValue(raw, at, value);
  return raw;
}

function writeValue(raw: Uint8Array, at: number, value: Uint8Array | null): number {
  writeInt32(raw, at, value === null ? -1 : value.length);
  if (value === null) return at + 4;
  raw.set(value, at + 4);
  return at + 4 + value.length;
}

/**
 * Replaces values of one DataRow. `replace` sees each value that is not null and answers `undefined` (keep), `null`, or
 * other bytes. Returns the very same `raw` when nothing changed.
 *
 * INVARIANT: a row that has not the columns of its RowDescription never passes: masks go by position, so it throws
 * `08P01` unless there are `expectedColumns` of them.
 */
export function rewriteDataRow(
  raw: Uint8Array,
  replace: (columnIndex: number, value: Uint8Array) => Uint8Array | null | undefined,
  expectedColumns: number,
): Uint8Array {
  const columnCount = readColumnCount(raw);
  if (columnCount !== expectedColumns)
    throw violation(`data row has ${columnCount} columns where ${expectedColumns} were described`);
  let replaced: (Uint8Array | null | undefined)[] | null = null;
  let size = raw.length;
  let at = VALUES_AT;
  for (let i = 0; i < columnCount; i++) {
    const length = readValueLength(raw, at);
    at += 4;
    if (length === -1) continue;
    const value = raw.subarray(at, at + length);
    const other = replace(i, value);
    at += length;
    if (other === undefined || other === value) continue;
    replaced ??= [];
    replaced[i] = other;
    size += (other?.length ?? 0) - length;
  }
  checkEnd(raw, at);
  if (replaced === null) return raw;
  if (size > MAX_ROW_BYTES) throw violation('data row is too long once it is masked');
  return copyWith(raw, size, replaced);
}

/** `raw` with the values that `replaced` has; what lies between two of them is copied in one go. */
function copyWith(raw: Uint8Array, size: number, replaced: readonly (Uint8Array | null | undefined)[]): Uint8Array {
  const result = new Uint8Array(size);
  let from = VALUES_AT;
  let to = VALUES_AT;
  let at = VALUES_AT;
  for (let i = 0; i < replaced.length; i++) {
    const start = at;
    at += 4 + Math.max(0, readInt32(raw, at));
    const other = replaced[i];
    if (other === undefined) continue;
    result.set(raw.subarray(from, start), to);
    to = writeValue(result, to + start - from, other);
    from = at;
  }
  result.set(raw.subarray(from), to);
  result.set(raw.subarray(0, VALUES_AT));
  writeInt32(result, 1, size - 1);
  return result;
}
