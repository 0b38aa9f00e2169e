import { describe, expect, it } from 'vitest';
import { ByteSink } from './byte-sink.ts';
import { dataRowValue, decodeDataRow, encodeDataRow, rewriteDataRow } from './data-row.ts';
import { ProtocolError } from './protocol-error.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const row = encodeDataRow([bytes('1'), bytes('ada@example.test'), null, bytes('')]);
/** Whole, and within other bytes of a chunk. */
function rewrite(
  raw: Uint8Array,
  replace: (column: number, value: Uint8Array) => Uint8Array | null | undefined,
  columns: number,
): Uint8Array {
  const looked = new Uint8Array(columns).fill(1);
  const replaceAt = (column: number, source: Uint8Array, from: number, to: number) =>
    replace(column, source.slice(from, to));
  const alone = new ByteSink(4);
  rewriteDataRow(raw, 0, alone, looked, replaceAt);
  const within = new ByteSink(4);
  within.put(bytes('before'));
  rewriteDataRow(Buffer.concat([bytes('some'), raw, bytes('more')]), 4, within, looked, replaceAt);
  expect(within.bytes.slice(6, within.length)).toEqual(alone.bytes.slice(0, alone.length));
  return alone.bytes.slice(0, alone.length);
}
const values = (raw: Uint8Array) => {
  const decoded = decodeDataRow(raw);
  return Array.from({ length: decoded.columnCount }, (_, i) => {
    const value = dataRowValue(decoded, i);
    return value === null ? null : Buffer.from(value).toString();
  });
};

describe('a data row', () => {
  it('is as it came when nothing is replaced', () => {
    expect(rewrite(row, () => undefined, 4)).toEqual(row);
    expect(rewrite(row, (_, value) => value, 4)).toEqual(row);
  });

  it('shows only the columns that are looked at', () => {
    const sink = new ByteSink(4);
    const seen: number[] = [];
    rewriteDataRow(row, 0, sink, Uint8Array.of(0, 1, 1, 0), (column) => void seen.push(column));
    expect(seen).toEqual([1]);
    expect(sink.bytes.slice(0, sink.length)).toEqual(row);
  });

  it('takes longer, shorter, empty and null values in place of others', () => {
    const replace = (column: number) => [bytes('one'), bytes('a@b'), bytes('unseen'), null][column];
    const masked = rewrite(row, replace, 4);
    expect(values(masked)).toEqual(['one', 'a@b', null, null]);
    expect(Buffer.from(masked)).toEqual(Buffer.from(encodeDataRow([bytes('one'), bytes('a@b'), null, null])));
    expect(values(rewrite(row, (column) => (column === 1 ? bytes('') : undefined), 4))).toEqual(['1', '', null, '']);
    expect(values(row)).toEqual(['1', 'ada@example.test', null, '']);
  });

  it('never shows null values to a mask', () => {
    const seen: number[] = [];
    rewrite(row, (column) => void seen.push(column), 4);
    expect(seen).toEqual([0, 1, 3, 0, 1, 3]);
  });

  it.each([0, 3, 5])('does not pass when %i columns were described', (expected) => {
    expect(() => rewrite(row, () => undefined, expected)).toThrow('4 columns where');
  });

  it('may have no columns', () => {
    const none = encodeDataRow([]);
    expect(values(none)).toEqual([]);
    expect(rewrite(none, () => null, 0)).toEqual(none);
  });

  it('is refused where a count or a length is not true', () => {
    for (const [at, value] of [
      [0, 0x45],
      [4, 99],
      [5, 1],
      [6, 3],
      [6, 5],
      [7, 0x7f],
      [7, 0x80],
      [10, 2],
      [10, 0],
    ] as const) {
      const broken = row.slice();
      broken[at] = value;
      expect(() => decodeDataRow(broken)).toThrow(ProtocolError);
      expect(() => rewrite(broken, () => undefined, (broken[5]! << 8) | broken[6]!)).toThrow(ProtocolError);
    }
    expect(() => decodeDataRow(new Uint8Array())).toThrow(ProtocolError);
  });
});
