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

it('bytes are written as the text that they are, and what is no UTF-8 as U+FFFD', () => {
  const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ unit: 'binary-ascii', maxLength: 8 }).map((text) => new TextEncoder().encode(text)),
    fc.string({ unit: 'grapheme', maxLength: 300 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, fc.nat(10), fc.nat(10), (source, before, behind) => {
      const from = Math.min(before, source.length);
      const to = Math.max(from, source.length - behind);
      const part = source.subarray(from, to);
      return (
        put((json) => json.textOf(source, from, to)) === JSON.stringify(lossy.decode(part)) &&
        put((json) => json.hexOf(source, from, to)) === JSON.stringify(`\\x${Buffer.from(part).toString('hex')}`)
      );
    }),
    { numRuns: 1_000 },
  );
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
