import { DETECTOR_KINDS, type DetectorKind } from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSequence } from './byte-sequence.ts';
import { isIssued } from './card-number.ts';
import { createDetector } from './index.ts';

const detect = createDetector(DETECTOR_KINDS.map((kind) => ({ kind, mask: 'redact' })));

function luhnDigit(body: string): string {
  const sum = [...body].reverse().reduce((total, each, index) => {
    const digit = Number(each);
    const counted = index % 2 === 0 ? digit * 2 : digit;
    return total + (counted > 9 ? counted - 9 : counted);
  }, 0);
  return String((10 - (sum % 10)) % 10);
}

const digits = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });

const visa = fc
  .tuple(digits(14), fc.array(fc.constantFrom('', ' ', '-'), { minLength: 15, maxLength: 15 }))
  .map(([body, separators]) => {
    const whole = `4${body}`;
    return [...(whole + luhnDigit(whole))].map((digit, index) => digit + (separators[index] ?? '')).join('');
  });

const base62 = fc.string({ unit: fc.constantFrom(...'abcXYZ019'), minLength: 36, maxLength: 36 });
const canary: fc.Arbitrary<readonly [DetectorKind, string]> = fc.oneof(
  visa.map((card) => ['card-number', card] as const),
  fc
    .tuple(fc.integer({ min: 100, max: 665 }), fc.integer({ min: 10, max: 99 }), fc.integer({ min: 1000, max: 9999 }))
    .map((parts) => ['ssn', parts.join('-')] as const),
  base62.map((name) => ['email', `${name}@mail.example.org`] as const),
  base62.map((body) => ['secret', `ghp_${body}`] as const),
  base62.map(
    (body) => ['private-key', `-----BEGIN EC PRIVATE KEY-----\n${body}\n-----END EC PRIVATE KEY-----`] as const,
  ),
);

/** Any text of any script, without what would be part of the canary beside it. */
const filler = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replace(/[\d@:"-]/gu, '.'));

test('a canary of any kind is found whole, wherever it stands in whatever text', () => {
  fc.assert(
    fc.property(filler, canary, filler, (before, [kind, text], after) => {
      const start = new TextEncoder().encode(`${before} `).length;
      const end = start + text.length;
      const findings = detect(new TextEncoder().encode(`${before} ${text} ${after}`));
      expect(findings.some((each) => each.kind === kind && each.start <= start && each.end >= end)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('a number whose Luhn sum does not fit is left alone', () => {
  fc.assert(
    fc.property(digits(15), fc.integer({ min: 1, max: 9 }), (body, off) => {
      const wrong = (Number(luhnDigit(body)) + off) % 10;
      expect(detect(new TextEncoder().encode(body + wrong))).toEqual([]);
    }),
  );
});

test('of digits in whatever groups, exactly the bytes of card numbers are found', () => {
  const cards = createDetector([{ kind: 'card-number', mask: 'redact' }]);
  const group = fc.oneof(
    digits(4),
    digits(3),
    digits(1),
    digits(16),
    visa,
    fc.constantFrom('4111111111111111', '4242'),
  );
  const separator = fc.constantFrom(' ', '-', '  ', ',', 'x', ' ', '-');
  fc.assert(
    fc.property(fc.array(fc.tuple(group, separator), { maxLength: 9 }), (parts) => {
      const text = parts.flat().join('');
      const expected = new Set<number>();
      for (let start = 0; start < text.length; start++) {
        for (let end = start + 13; end <= Math.min(text.length, start + 37); end++) {
          if (/\d/.test(text[start - 1] ?? '') || /\d/.test(text[end] ?? '')) continue;
          const span = text.slice(start, end);
          if (!/^\d(?:[ -]?\d){12,18}$/.test(span)) continue;
          const number = span.replace(/[ -]/g, '');
          if (luhnDigit(number.slice(0, -1)) !== number.at(-1) || !isIssued(Number(number.slice(0, 4)), number.length))
            continue;
          for (let at = start; at < end; at++) expected.add(at);
        }
      }
      const found = new Set<number>();
      for (const { start, end } of cards(new TextEncoder().encode(text)))
        for (let at = start; at < end; at++) found.add(at);
      expect(found).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('findings are sorted, do not overlap, and never cut a UTF-8 character', () => {
  const soup = fc.array(
    fc.oneof(
      filler,
      canary.map(([, text]) => text),
      fc.constantFrom('@', '-----', 'eyJ', '://', ' ', '.', '4', 'é', '漢'),
    ),
  );
  fc.assert(
    fc.property(soup, (parts) => {
      const bytes = new TextEncoder().encode(parts.join(''));
      let last = 0;
      for (const { start, end } of detect(bytes)) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        for (const edge of [start, end]) expect((bytes[edge] ?? 0) & 0xc0).not.toBe(0x80);
        last = end;
      }
    }),
  );
});

/** Counts reads: work, not time. */
function readsOf(text: string): number {
  const bytes = new TextEncoder().encode(text);
  let reads = 0;
  const counting = new Proxy({ length: bytes.length } as unknown as ByteSequence, {
    get(target, name) {
      if (name === 'length') return target.length;
      reads += 1;
      return bytes[Number(name)];
    },
  });
  detect(counting);
  return reads;
}

describe('the work is linear in the value, also on values made to be slow', () => {
  test.each([
    '4',
    '4 ',
    '4-1',
    '1-',
    '41111 ',
    '123-45-678',
    'a@',
    '@',
    'a@a.',
    'é@',
    '"@',
    '"a"@',
    'aaaaaaaa',
    'a.',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY',
    '-----END ',
    '-',
    'eyJ',
    'eyJa.',
    'eyJa.eyJb',
    '://',
    'a://a:',
    'a://a:a@',
    ':',
    'ghp_',
    'ghp_a',
    'xoxb-',
    'AKIA',
    'github_pat_',
    'sk_live_',
    'AIza',
  ])('%s over and over', (unit) => {
    const once = readsOf(unit.repeat(Math.ceil(4_000 / unit.length)));
    const fourfold = readsOf(unit.repeat(Math.ceil(16_000 / unit.length)));
    expect(fourfold).toBeLessThan(once * 4.5 + 1_000);
    expect(fourfold).toBeLessThan(16_000 * 70);
  });

  test('a private key that never ends, before a long tail, is read once', () => {
    expect(readsOf(`-----BEGIN PRIVATE KEY-----${'-----END '.repeat(2_000)}`)).toBeLessThan(20_000 * 70);
  });
});
