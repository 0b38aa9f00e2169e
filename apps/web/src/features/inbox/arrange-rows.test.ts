import { expect, test } from 'vitest';
import { arrangeRows } from './arrange-rows.ts';

const at = (id: string, second: number) => ({ id, at: `2026-11-22T10:00:${String(second).padStart(2, '0')}Z` });
const ids = (rows: readonly { item: { id: string }; gone: boolean }[]) =>
  rows.map(({ item, gone }) => (gone ? `(${item.id})` : item.id));

test('a new row comes last and moves no other', () => {
  const before = arrangeRows([], [at('b', 2), at('a', 1)]);
  expect(ids(before)).toEqual(['a', 'b']);
  expect(ids(arrangeRows(before, [at('d', 9), at('b', 2), at('c', 5), at('a', 1)]))).toEqual(['a', 'b', 'c', 'd']);
});

test('a row that somebody else decided keeps its place, marked', () => {
  const before = arrangeRows([], [at('a', 1), at('b', 2), at('c', 3)]);
  expect(ids(arrangeRows(before, [at('a', 1), at('c', 3)]))).toEqual(['a', '(b)', 'c']);
});

test('500 that arrive at once leave every row shown where it was', () => {
  const before = arrangeRows([], [at('a', 1), at('b', 2)]);
  const many = Array.from({ length: 500 }, (_, index) => at(`n${index}`, 10 + (index % 40)));
  expect(ids(arrangeRows(before, [...many, at('a', 1), at('b', 2)])).slice(0, 2)).toEqual(['a', 'b']);
});
