import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DETECTOR_KINDS } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { createDetector } from './index.ts';

const detect = createDetector(DETECTOR_KINDS.map((kind) => ({ kind, mask: 'redact' })));

/** What is found, as `kind:text`. */
function found(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  return detect(bytes).map((each) => `${each.kind}:${new TextDecoder().decode(bytes.subarray(each.start, each.end))}`);
}

const KEY = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

describe('a card number', () => {
  test.each([
    '4111111111111111',
    '4222222222222',
    '5555555555554444',
    '2223003122003222',
    '378282246310005',
    '6011111111111117',
    '30569309025904',
    '3530111333300000',
    '6200000000000005',
    '6759649826438453',
    '4111 1111 1111 1111',
    '3782-822463-10005',
    '4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1',
  ])('is found: %s', (card) => {
    for (const text of [card, `card ${card}, ok`, `x${card}y`, `12 ${card}`, `${card} 07`, `(${card})`])
      expect(found(text), text).toEqual([expect.stringContaining(card)]);
  });

  test.each([
    '4111111111111112',
    '41111111111111111',
    '1111111111111117',
    '411111111111',
    '4111  1111 1111 1111',
    '0.4111111111111111',
    '4111.1111.1111.1111',
    '550e8400-e29b-41d4-a716-446655440000',
    '2026-11-22 20:15:00.123456',
  ])('is not found in %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('a social security number', () => {
  test.each([
    '123-45-6789',
    '899-99-9999',
    'ssn:001-01-0001.',
    '+1 555 12 123-45-6789',
    '12 123-45-6789',
    '1234567 123-45-6789',
  ])('is found in %s', (text) => {
    expect(found(text)).toHaveLength(1);
  });
  test.each([
    '123456789',
    '000-12-3456',
    '666-12-3456',
    '900-12-3456',
    '123-00-4567',
    '123-45-0000',
    '123-45-67890',
    '1123-45-6789',
    '123 45 6789',
  ])('is not found in %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('an e-mail address', () => {
  test.each([
    ['bob@example.com', 'bob@example.com'],
    ['mail Bob.O+x@mail.example.co.uk.', 'Bob.O+x@mail.example.co.uk'],
    ["'bob@example.com'", 'bob@example.com'],
    ['<bob@example.com>', 'bob@example.com'],
    ['to=bob@example.com&x', 'bob@example.com'],
    ['"john doe"@example.com', '"john doe"@example.com'],
    ['用户@例子.公司', '用户@例子.公司'],
    ['x@bob@example.com', 'bob@example.com'],
  ])('is found in %s', (text, address) => {
    expect(found(text)).toEqual([`email:${address}`]);
  });
  test.each(['@example.com', 'bob@', 'bob@localhost', 'bob@1.2', 'bob @example.com', 'a@b.c', '@@@@', 'x@.com'])(
    'is not found in %s',
    (text) => {
      expect(found(text)).toEqual([]);
    },
  );
});

describe('a private key', () => {
  test.each([
    [`a ${KEY} b`, KEY],
    ['-----BEGIN PRIVATE KEY-----\nMIIE', '-----BEGIN PRIVATE KEY-----\nMIIE'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbg\n-----END CERTIFICATE-----', undefined],
    ['-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----', undefined],
  ])('is found to its end, or to the end of the value: %s', (text, key) => {
    expect(found(text)).toEqual([`private-key:${key ?? text}`]);
  });
  test.each([
    '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----',
    '-----',
    '-----BEGIN \nPRIVATE KEY-----',
  ])('is not found in %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('a secret of a known format', () => {
  const a36 = 'aB3'.repeat(12);
  test.each([
    'AKIAIOSFODNN7EXAMPLE',
    `ghp_${a36}`,
    `github_pat_11AAAAAAA0_${a36}`,
    `glpat-${'x'.repeat(20)}`,
    'xoxb-123456789012-abc',
    `sk_live_${a36}`,
    `AIza${'x_-5Z'.repeat(7)}`,
    `npm_${a36}`,
    JWT,
    `${JWT.slice(0, JWT.lastIndexOf('.') + 1)}`,
  ])('is found: %s', (secret) => {
    for (const text of [secret, `k=${secret}`, `"${secret}"`, `é${secret} x`])
      expect(found(text)).toEqual([`secret:${secret}`]);
  });
  test.each([
    ['postgres://app:s3cr3t@db.example/shop', 's3cr3t'],
    ['redis://:s3cr3t@cache:6379', 's3cr3t'],
    ['x https://u:p@ss@h y', 'p@ss'],
  ])('is found as the password of %s', (text, password) => {
    expect(found(text)).toEqual([expect.stringContaining(`secret:${password}`)]);
  });
  test.each([
    'AKIA',
    'AKIAshort',
    'ghp_short',
    'eyJhbGciOiJIUzI1NiJ9',
    'eyJ.a.b',
    'eyJx.y',
    'http://host:80/a@b',
    'postgres://user@host/db',
    '://a:b@',
    'risk_live_',
  ])('is not found in %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

test('findings that overlap become one, masked by the strictest', () => {
  const strict = createDetector([
    { kind: 'card-number', mask: 'last4' },
    { kind: 'email', mask: 'email' },
  ]);
  const text = new TextEncoder().encode('4111111111111111@example.com');
  expect(strict(text)).toEqual([{ start: 0, end: text.length, kind: 'card-number', mask: 'redact' }]);
});

test('a kind that was not asked for is not looked for', () => {
  const cards = createDetector([{ kind: 'card-number', mask: 'redact' }]);
  expect(cards(new TextEncoder().encode(`123-45-6789 bob@example.com ${KEY} ${JWT}`))).toEqual([]);
  expect(createDetector([])(new TextEncoder().encode('4111111111111111'))).toEqual([]);
});

test('a detector keeps nothing of what it has looked at', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seen = (() => {
    const value = new TextEncoder().encode(`me@example.com ${'x'.repeat(1_000)}`);
    return [new WeakRef(value), new WeakRef(detect(value))];
  })();
  // A WeakRef holds its target until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(seen.map((one) => one.deref())).toEqual([undefined, undefined]);
});
