import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUserCode, normalizeUserCode } from './user-code.ts';

test('a code is found however it is typed', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.constantFrom('', ' ', '-', ' - '), (lower, separator) => {
      const code = createUserCode(randomBytes);
      const typed = code.replace('-', separator);
      expect(normalizeUserCode(lower ? typed.toLowerCase() : typed)).toBe(code);
    }),
  );
});

test('bytes that would favour some letters are not used', () => {
  const sources = [new Uint8Array(8).fill(255), new Uint8Array(8).fill(0)];
  expect(createUserCode(() => sources.shift()!)).toBe('BBBB-BBBB');
});

test('what cannot be a code is told from one', () => {
  for (const typed of ['', 'BBBB', 'BBBB-BBBA', 'BBBBBBBBB', 'BBBB-BBB\u0000'])
    expect(normalizeUserCode(typed)).toBeNull();
});
