import { describe, expect, it } from 'vitest';
import { dataRowValue, decodeDataRow, encodeDataRow, rewriteDataRow } from './data-row.ts';
import { ProtocolError } from './protocol-error.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const row = encodeDataRow([bytes('1'), bytes('ada@example.test'), null, bytes('')]);
const values = (raw: Uint8Array) => {
  const decoded = decodeDataRow(raw);
  return Array.from({ length: decoded.columnCount }, (_, i) => {
    const value = dataRowValue(decoded, i);
    return value === null ? null : Buffer.from(value).toString();
  });
};

describe('a data row', () => {
  it('is the very same object when nothing is replaced', () => {
    expect(rewriteDataRow(row, () => undefined, 4)).toBe(row);
    expect(rewriteDataRow(row, (_, value) => value, 4)).toBe(row);
  });

  it('takes longer, shorter, empty and null values in place of others', () => {
    const replace = (column: number) => [bytes('one'), bytes('a@b'), bytes('unseen'), null][column];
    const masked = rewriteDataRow(row, replace, 4);
    expect(values(masked)).toEqual(['one', 'a@b', null, null]);
    expect(Buffer.from(masked)).toEqual(Buffer.from(encodeDataRow([bytes('one'), bytes('a@b'), null, null])));
    expect(values(rewriteDataRow(row, (column) => (column === 1 ? bytes('') : undefined), 4))).toEqual([
      '1',
      '',
      null,
      '',
    ]);
    expect(values(row)).toEqual(['1', 'ada@example.test', null, '']);
  });

  it('never shows null values to a mask', () => {
    const seen: number[] = [];
    rewriteDataRow(row, (column) => void seen.push(column), 4);
    expect(seen).toEqual([0, 1, 3]);
  });

  it.each([0, 3, 5])('does not pass when %i columns were described', (expected) => {
    expect(() => rewriteDataRow(row, () => undefined, expected)).toThrow('4 columns where');
  });

  it('may have no columns', () => {
    const none = encodeDataRow([]);
    expect(values(none)).toEqual([]);
    expect(rewriteDataRow(none, () => null, 0)).toBe(none);
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
      expect(() => rewriteDataRow(broken, () => undefined, (broken[5]! << 8) | broken[6]!)).toThrow(ProtocolError);
    }
    expect(() => decodeDataRow(new Uint8Array())).toThrow(ProtocolError);
  });
});
