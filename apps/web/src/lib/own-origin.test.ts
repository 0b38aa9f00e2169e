import { expect, test } from 'vitest';
import { isForgeryProof } from './own-origin.ts';

const WEB = 'http://localhost:3000';
const ask = (method: string, headers: Record<string, string>) =>
  isForgeryProof({ method, headers: new Headers(headers) }, WEB);

test('a write by cookie needs the Origin of this web', () => {
  expect(ask('POST', { origin: WEB })).toBe(true);
  expect(ask('POST', { origin: 'http://127.0.0.1:3000' })).toBe(true);
  expect(ask('POST', {})).toBe(false);
  expect(ask('DELETE', { 'sec-fetch-site': 'same-origin' })).toBe(false);
});

test.each([
  'http://localhost:4000',
  'https://localhost:3000',
  'http://localhost:3000.evil.test',
  'null',
  'http://evil.test:3000',
])('a page of %s changes nothing here, though cookies know no ports', (origin) => {
  expect(ask('POST', { origin })).toBe(false);
  expect(ask('GET', { origin })).toBe(false);
});

test('a read that another site started is refused', () => {
  expect(ask('GET', { 'sec-fetch-site': 'cross-site' })).toBe(false);
  expect(ask('GET', { 'sec-fetch-site': 'same-site' })).toBe(false);
  expect(ask('GET', { 'sec-fetch-site': 'same-origin' })).toBe(true);
  expect(ask('GET', {})).toBe(true);
});
