import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type ColumnType, maskValue } from './index.ts';

const ports = {
  hmacSha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHmac('sha256', 'key').update(bytes).digest()),
};
const TEXT: ColumnType = { oid: 25, format: 'text' };

function masked(mask: Parameters<typeof maskValue>[0], value: string, type: ColumnType = TEXT): string | null {
  const text = new TextEncoder().encode(value);
  const bytes = maskValue(mask, text, 0, text.length, type, ports);
  return bytes === null ? null : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

describe('a mask on text', () => {
  test.each([
    ['anna@example.com', 'a***@example.com'],
    ['émile@example.fr', 'é***@example.fr'],
    ['a@example.com', '***@example.com'],
    ['a***@example.com', 'a***@example.com'],
    ['***@example.com', '***@example.com'],
    ['用户@例子.cn', '用***@例子.cn'],
  ])('email keeps the first character and the domain of %s, and nothing of a local part of one', (value, shown) => {
    expect(masked('email', value)).toBe(shown);
  });

  test.each([
    '',
    'anna',
    '@example.com',
    'anna@',
    'anna@example',
    'a b@example.com',
    'a@b@example.com',
    'a@b..com',
    'x@y.com 123-45-6789',
    'x@y.com;secret',
  ])('email redacts `%s`, which is not one address', (value) => {
    expect(masked('email', value)).toBe('[masked]');
  });

  test.each([
    ['5551234321', '***4321'],
    ['12345678', '***5678'],
    ['1234', '***34'],
    ['123', '***3'],
    ['1', '***'],
    ['', '***'],
    ['äöüßäöüß', '***äöüß'],
  ])('last4 of %s shows %s: four characters and never more than half', (value, shown) => {
    expect(masked('last4', value)).toBe(shown);
  });

  test('hash is a keyed HMAC: equal for equal values, and not to be had without the key', () => {
    const expected = createHmac('sha256', 'key').update('anna').digest('hex').slice(0, 32);
    expect(masked('hash', 'anna')).toBe(expected);
    expect(masked('hash', 'anna', { oid: 1042, format: 'text', typeModifier: 34 + 4 })?.trimEnd()).toBe(expected);
    expect(masked('hash', 'anna  ', { oid: 1042, format: 'text', typeModifier: 34 + 4 })?.trimEnd()).toBe(expected);
  });

  test('null is SQL NULL, redact a fixed text', () => {
    expect(masked('null', 'anna')).toBe(null);
    expect(masked('redact', 'anna')).toBe('[masked]');
  });

  test('what is shown fits into varchar(n), char(n) and name', () => {
    const varchar = (n: number): ColumnType => ({ oid: 1043, format: 'text', typeModifier: n + 4 });
    expect(masked('redact', 'abc', varchar(3))).toBe('[ma');
    expect(masked('hash', 'abc', varchar(10))).toHaveLength(10);
    expect(masked('last4', '12345', varchar(5))).toBe('***45');
    expect(masked('last4', '1234', varchar(4))).toBe('**34');
    expect(masked('email', 'ab@ex.com', varchar(9))).toBe('a***@ex.c');
    expect(masked('redact', 'ab  ', { oid: 1042, format: 'text', typeModifier: 4 + 4 })).toBe('[mas');
    expect(masked('last4', 'abcdefgh  ', { oid: 1042, format: 'text', typeModifier: 10 + 4 })).toBe('***efgh   ');
  });

  test('a type under an OID of its own is text only when the caller says so', () => {
    expect(masked('last4', '12345678', { oid: 90_001, format: 'text', isText: true })).toBe('***5678');
    expect(masked('last4', '12345678', { oid: 90_001, format: 'text' })).toBe(null);
  });
});

describe('a mask on anything but text', () => {
  test.each([
    [23, '0'],
    [1700, '0'],
    [16, 'f'],
    [1082, '2000-01-01'],
    [1184, '2000-01-01 00:00:00+00'],
    [2950, '00000000-0000-0000-0000-000000000000'],
    [3802, '"[masked]"'],
    [17, '\\x'],
    [869, '0.0.0.0'],
    [1009, '{}'],
    [90_001, null],
    [2249, null],
  ])('redacts type %i to %s whatever mask is asked for', (oid, shown) => {
    for (const mask of ['email', 'last4', 'hash', 'redact'] as const)
      expect(masked(mask, '12345678', { oid, format: 'text' })).toBe(shown);
    expect(masked('null', '12345678', { oid, format: 'text' })).toBe(null);
  });

  test.each([
    [21, '0000'],
    [20, '0000000000000000'],
    [1700, '0000000000000000'],
    [1082, '00000000'],
    [869, '0220000400000000'],
    [3802, `01${Buffer.from('"[masked]"').toString('hex')}`],
    [1007, '000000000000000000000017'],
    [17, ''],
  ])('redacts type %i in binary to what its send function writes', (oid, hex) => {
    const bytes = maskValue('redact', Uint8Array.of(1, 2, 3), 0, 3, { oid, format: 'binary' }, ports);
    expect(Buffer.from(bytes!).toString('hex')).toBe(hex);
  });
});
