import { expect, test } from 'vitest';
import { offsetOf, placeOf, spanOfName, utf16Offset, wordEnd } from './position.ts';

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

test('what a message names is found in the text as a whole word only', () => {
  const text = 'select ssns, ssn from customers';
  const span = spanOfName(text, 'column `ssn` of `public.customers` is not allowed');
  expect(span && text.slice(span.from - 2, span.to)).toBe(', ssn');
  expect(spanOfName(text, 'column `email` is not allowed')).toBeNull();
  expect(spanOfName(text, 'nothing is named')).toBeNull();
});
