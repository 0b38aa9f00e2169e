import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonBytes } from './json-bytes.ts';

const put = (add: (json: JsonBytes) => void): string => {
  const json = new JsonBytes();
  add(json);
  return new TextDecoder().decode(json.bytes.subarray(0, json.length));
};

it('a text is written as JSON.stringify writes it, whatever it holds and however long', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary-ascii', maxLength: 8 }),
        fc.string({ unit: 'binary', maxLength: 600 }),
        fc.string({ unit: 'grapheme', maxLength: 600 }),
      ),
      (text) => put((json) => json.text(text)) === JSON.stringify(text),
    ),
  );
  for (const one of ['a\\b', 'a"b', 'a\nb', '\0', '\x7f'])
    expect(put((json) => json.text(one))).toBe(JSON.stringify(one));
  expect(put((json) => json.text('\ud800'))).toBe(JSON.stringify('\ud800'));
  expect(put((json) => json.text(null))).toBe('null');
});

it('a number is written as JSON.stringify writes it', () => {
  const thousandths = fc.integer({ min: -10_000_000, max: 2_000_000_000 }).map((n) => n / 1000);
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeInteger(), fc.maxSafeNat(), fc.double(), thousandths),
      (value) => put((json) => json.number(value)) === JSON.stringify(value),
    ),
    { numRuns: 2_000 },
  );
});
