import { expect, test } from 'vitest';
import { createCanaryMatcher } from './canary-matcher.ts';

const CANARY = 'q7dfbf514cadd38b';
const matcher = createCanaryMatcher([CANARY, '8583-68252-249163']);

test('a canary is found in every form and at every place', () => {
  const inside = (form: (text: string) => Buffer): Buffer[] =>
    [0, 1, 2, 3, 4, 5].map((shift) => form(`${'"x(y'.repeat(shift)}${CANARY}, and more`));
  const forms: ((text: string) => Buffer)[] = [
    (text) => Buffer.from(text),
    (text) => Buffer.from(text.toUpperCase()),
    (text) => Buffer.from(Buffer.from(text).toString('hex')),
    (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
    (text) => Buffer.from(Buffer.from(text).toString('base64')),
    (text) => Buffer.from(Buffer.from(`z${text}`).toString('base64')),
    (text) => Buffer.from(Buffer.from(`zz${text}`).toString('base64')),
    (text) => Buffer.from([...text].reverse().join('')),
    (text) => Buffer.from(text, 'utf16le'),
    (text) => Buffer.from(text, 'utf16le').swap16(),
  ];
  for (const form of forms) for (const bytes of inside(form)) expect(matcher.find(bytes)).not.toEqual([]);
});

test('bytes without a canary, and all but its last byte, are nothing', () => {
  expect(matcher.find(Buffer.from(CANARY.slice(0, -1)))).toEqual([]);
  expect(matcher.find(Buffer.from('q7df, bf51 4cad d38b; 8583-68252-24916'))).toEqual([]);
  expect(matcher.find(new Uint8Array())).toEqual([]);
});
