import { expect, test } from 'vitest';
import { printable, textTable } from './printable.ts';

test('text of others cannot drive the terminal', () => {
  expect(printable('a\u001b]0;owned\u0007b\u009b2Jc\u202ed')).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(textTable(['A', 'B'], [['one\nline', 'x']])).toBe('A         B\none line  x');
});
