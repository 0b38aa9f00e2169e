import { expect, test } from 'vitest';
import { offsetOf, placeOf, utf16Offset, wordEnd } from './position.ts';

test('a place and its offset say the same', () => {
  const text = 'select 1,\n  ssn from c';
  const offset = offsetOf(text, { line: 2, column: 3 });
  expect(text.slice(offset, wordEnd(text, offset))).toBe('ssn');
  expect(placeOf(text, offset)).toEqual({ line: 2, column: 3 });
  expect(offsetOf(text, { line: 9, column: 1 })).toBe(text.length);
});

test('the server counts characters, the editor counts units', () => {
  expect(utf16Offset("select '😀', x", 13)).toBe(13);
  expect("select '😀', x".slice(utf16Offset("select '😀', x", 13))).toBe('x');
});
