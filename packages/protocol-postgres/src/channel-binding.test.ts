import { expect, it } from 'vitest';
import { endPointHash } from './channel-binding.ts';

it.each([
  ['sha256WithRSAEncryption', 'sha256'],
  ['sha384WithRSAEncryption', 'sha384'],
  ['sha512WithRSAEncryption', 'sha512'],
  ['sha1WithRSAEncryption', 'sha256'],
  ['md5WithRSAEncryption', 'sha256'],
  ['ecdsa-with-SHA1', 'sha256'],
  ['ecdsa-with-SHA256', 'sha256'],
  ['ecdsa-with-SHA384', 'sha384'],
  ['ecdsa-with-SHA512', 'sha512'],
  ['RSA-SHA224', 'sha224'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['ED25519', null],
  ['rsassaPss', null],
  ['toString', null],
  ['', null],
])('a certificate signed with `%s` binds by %s', (algorithm, hash) => {
  expect(endPointHash(algorithm)).toBe(hash);
});
