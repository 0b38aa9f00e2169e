import { assert } from '@taskgate/core';
import type { ByteSink } from './byte-sink.ts';
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

export function decodeDataRow(raw: Uint8Array): DataRow {
  const columnCount = readColumnCount(raw);
  // Before allocating: each column needs its length field at least.
  if (columnCount * 4 > raw.length - VALUES_AT) throw violation('data row ends too early');
  const spans = new Int32Array(columnCount * 2);
  eachDataRowValue(raw, 0, raw.length, (column, from, to) => {
    spans[column * 2] = from;
    spans[column * 2 + 1] = from === -1 ? -1 : to - from;
  });
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

/**
 * Tells where each value of the DataRow lies that is all of `bytes` from `start` to `end`; `from` is -1 for null. Throws
 * {@link ProtocolError} `08P01`, perhaps behind some values, where it is not one.
 */
export function eachDataRowValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  take: (column: number, from: number, to: number) => void,
): void {
  if (end - start < VALUES_AT) throw violation('not a whole data row');
  const columns = (bytes[start + COLUMNS_AT]! << 8) | bytes[start + COLUMNS_AT + 1]!;
  let at = start + VALUES_AT;
  for (let i = 0; i < columns; i++) {
    if (end - at < 4) throw violation('data row ends too early');
    const length = readInt32(bytes, at);
    at += 4;
    if (length < -1 || length > end - at) throw violation(`data row holds a value of the impossible length ${length}`);
    if (length === -1) take(i, -1, -1);
    else take(i, at, at + length);
    at += Math.max(length, 0);
  }
  if (at !== end) throw violation(`data row has ${end - at} bytes too many`);
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
 * Puts the DataRow that lies whole in `bytes` from `start` into `sink`, with other values where `replace` has them: it
 * sees where each value of the columns that `looked` marks lies, where it is not null, and answers `undefined` (keep), `null`, or
 * other bytes.
 *
 * INVARIANT: a row that has not the columns of its RowDescription never passes: masks go by position, so it throws
 * `08P01` unless there is one entry of `looked` for each.
 */
export function rewriteDataRow(
  bytes: Uint8Array,
  start: number,
  sink: ByteSink,
  looked: Uint8Array,
  replace: (columnIndex: number, bytes: Uint8Array, from: number, to: number) => Uint8Array | null | undefined,
): void {
  if (bytes.length - start < VALUES_AT || bytes[start] !== BACKEND_TAG.dataRow) throw violation('not a whole data row');
  const end = start + 1 + readInt32(bytes, start + 1);
  if (end > bytes.length) throw violation('not a whole data row');
  const columns = (bytes[start + COLUMNS_AT]! << 8) | bytes[start + COLUMNS_AT + 1]!;
  if (end < start + VALUES_AT || columns !== looked.length)
    throw violation(`data row has ${columns} columns where ${looked.length} were described`);
  const sinkStart = sink.length;
  let copied = start;
  let at = start + VALUES_AT;
  for (let i = 0; i < columns; i++) {
    if (end - at < 4) throw violation('data row ends too early');
    const length = readInt32(bytes, at);
    if (length < -1 || length > end - at - 4)
      throw violation(`data row holds a value of the impossible length ${length}`);
    const valueAt = at + 4;
    at = valueAt + (length === -1 ? 0 : length);
    if (looked[i] === 0 || length === -1) continue;
    const other = replace(i, bytes, valueAt, at);
    if (other === undefined) continue;
    sink.putRange(bytes, copied, valueAt - 4);
    sink.putInt32(other === null ? -1 : other.length);
    if (other !== null) sink.putRange(other, 0, other.length);
    copied = at;
  }
  if (at !== end) throw violation(`data row has ${end - at} bytes too many`);
  sink.putRange(bytes, copied, end);
  const size = sink.length - sinkStart;
  if (size > MAX_ROW_BYTES) throw violation('data row is too long once it is masked');
  sink.setInt32(sinkStart + 1, size - 1);
}
