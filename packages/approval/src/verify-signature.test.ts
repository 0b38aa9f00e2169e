import { generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import { expect, it } from 'vitest';
import { parsePublicJwk } from './public-key.ts';
import { verifySignature } from './verify-signature.ts';
import { createWebCrypto } from './web-crypto.ts';

const crypto = createWebCrypto(webcrypto.subtle);
const data = new Uint8Array([1, 2, 3]);

const KEYS: Readonly<Record<string, { publicKey: KeyObject; privateKey: KeyObject }>> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

it.each(Object.keys(KEYS))('signatures of %s, as passkeys make them, are checked', async (name) => {
  const { publicKey, privateKey } = KEYS[name]!;
  const key = parsePublicJwk(publicKey.export({ format: 'jwk' }))!;
  const make = () => new Uint8Array(sign(name === 'EdDSA' ? null : 'sha256', data, privateKey));
  const signatures = [make()];
  // Of ES256 an integer is shorter now and then, and must be filled up again.
  if (name === 'ES256') while (signatures.at(-1)!.length > 69) signatures.push(make());
  for (const signature of [signatures[0]!, signatures.at(-1)!]) {
    expect(await verifySignature(key, signature, data, crypto)).toBe(true);
    expect(await verifySignature(key, signature, new Uint8Array([1, 2, 4]), crypto)).toBe(false);
    expect(await verifySignature(key, signature.slice(0, -1), data, crypto)).toBe(false);
  }
});

it('a key of another kind is none', () => {
  expect(parsePublicJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }))).toBe(
    null,
  );
  expect(parsePublicJwk({ kty: 'oct', k: 'AAAA' })).toBe(null);
  expect(parsePublicJwk(null)).toBe(null);
});
