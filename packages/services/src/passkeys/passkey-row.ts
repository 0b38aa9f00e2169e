import { cose, decodeCredentialPublicKey, isoBase64URL } from '@simplewebauthn/server/helpers';
import { createWebCrypto, keyThumbprint, type PublicJwk, parsePublicJwk, toBase64url } from '@taskgate/approval';
import type { Passkey } from '@taskgate/contracts';
import { assert } from '@taskgate/core';
import type { Prisma } from '@taskgate/db';
import type * as z from 'zod';
import type { PasskeySite } from './passkey-site.ts';

export type PasskeyView = z.infer<typeof Passkey>;

export const PASSKEY_SELECT = {
  id: true,
  identityId: true,
  credentialId: true,
  publicKey: true,
  counter: true,
  name: true,
  rpId: true,
  transports: true,
  synced: true,
  createdAt: true,
  lastUsedAt: true,
} as const satisfies Prisma.PasskeySelect;
export type PasskeyRow = Prisma.PasskeyGetPayload<{ select: typeof PASSKEY_SELECT }>;

/** Node's own. */
export const webCrypto = createWebCrypto(globalThis.crypto.subtle);

/** The key as JWK, from COSE (RFC 9053). `null` for a kind that is not supported. */
export function toPublicJwk(publicKey: Uint8Array<ArrayBuffer>): PublicJwk | null {
  const key = decodeCredentialPublicKey(publicKey);
  const text = (bytes: Uint8Array | undefined): string | undefined => bytes && toBase64url(bytes);
  if (cose.isCOSEPublicKeyEC2(key) && key.get(cose.COSEKEYS.crv) === cose.COSECRV.P256)
    return parsePublicJwk({
      kty: 'EC',
      crv: 'P-256',
      x: text(key.get(cose.COSEKEYS.x)),
      y: text(key.get(cose.COSEKEYS.y)),
    });
  if (cose.isCOSEPublicKeyOKP(key) && key.get(cose.COSEKEYS.crv) === cose.COSECRV.ED25519)
    return parsePublicJwk({ kty: 'OKP', crv: 'Ed25519', x: text(key.get(cose.COSEKEYS.x)) });
  if (cose.isCOSEPublicKeyRSA(key))
    return parsePublicJwk({ kty: 'RSA', n: text(key.get(cose.COSEKEYS.n)), e: text(key.get(cose.COSEKEYS.e)) });
  return null;
}

/** Of a registered passkey, whose key was read when it was registered. */
export function publicJwkOf(row: Pick<PasskeyRow, 'publicKey'>): PublicJwk {
  const jwk = toPublicJwk(new Uint8Array(row.publicKey));
  assert(jwk !== null, 'a registered passkey has a key that was understood');
  return jwk;
}

export const credentialText = (row: Pick<PasskeyRow, 'credentialId'>): string =>
  isoBase64URL.fromBuffer(new Uint8Array(row.credentialId));

/** What an audit row says of a passkey. */
export const toPasskeyAudit = ({ id, identityId, name, rpId, synced }: PasskeyRow) => ({
  id,
  identityId,
  name,
  rpId,
  synced,
});

export async function toPasskeyView(row: PasskeyRow, site: PasskeySite | null): Promise<PasskeyView> {
  return {
    id: row.id,
    name: row.name,
    usable: row.rpId === site?.rpId,
    synced: row.synced,
    keySha256: await keyThumbprint(publicJwkOf(row), webCrypto),
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
