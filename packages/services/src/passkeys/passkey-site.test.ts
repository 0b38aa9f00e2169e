import { expect, it } from 'vitest';
import { passkeySite } from './passkey-site.ts';

it.each([
  ['https://gate.example', 'https://gate.example', 'gate.example'],
  ['https://gate.example:8443', 'https://gate.example:8443', 'gate.example'],
  ['http://localhost:3000', 'http://localhost:3000', 'localhost'],
  ['http://127.0.0.1:3000', 'http://localhost:3000', 'localhost'],
  ['http://[::1]:3000', 'http://localhost:3000', 'localhost'],
])('the passkeys of %s are those of %s', (webUrl, origin, rpId) => {
  expect(passkeySite({ webUrl })).toEqual({ origin, rpId });
});

it.each(['http://10.0.0.7:3000', 'https://10.0.0.7', 'https://[2001:db8::1]', 'http://gate.example'])(
  'at %s there can be none, and the error says what to set',
  (webUrl) => {
    expect(() => passkeySite({ webUrl })).toThrow(/NEXTAUTH_URL/);
  },
);
