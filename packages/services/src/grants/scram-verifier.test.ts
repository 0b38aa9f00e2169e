import { SecretValue } from '@taskgate/core';
import { expect, it } from 'vitest';
import { decodeScramVerifier, encodeScramVerifier } from './scram-verifier.ts';

it('a verifier is the one that Postgres itself would store (RFC 7677, section 3)', async () => {
  const salt = new Uint8Array(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  const text = await encodeScramVerifier(new SecretValue('pencil'), salt);
  expect(text).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
  const verifier = decodeScramVerifier(text)!;
  expect(verifier).toMatchObject({ iterations: 4096, salt });
  expect([verifier.storedKey.length, verifier.serverKey.length]).toEqual([32, 32]);
});

it('what is no verifier is none', () => {
  for (const text of ['', 'md5abc', 'SCRAM-SHA-256$4096:AA==$short:short', 'SCRAM-SHA-256$x:AA==$a:b'])
    expect(decodeScramVerifier(text)).toBeNull();
});
