import { createHmac } from 'node:crypto';
import { SecretValue } from '@taskgate/core';
import type { Vault } from '@taskgate/vault';

const MASK_KEY_BYTES = 32;

// A sealed value is bound to its row: copied to another resource it opens nothing.
const credentialContext = (resourceId: string): string => `credential:${resourceId}`;
const maskKeyContext = (resourceId: string): string => `mask-key:${resourceId}`;

export function sealCredential(vault: Vault, resourceId: string, secret: SecretValue): Uint8Array<ArrayBuffer> {
  return new Uint8Array(vault.seal(secret, credentialContext(resourceId)));
}

/** The password that opens the resource. Throws `internal` when it was sealed for another, or changed. */
export function openCredential(vault: Vault, resourceId: string, sealed: Uint8Array): SecretValue {
  return vault.openSecret(sealed, credentialContext(resourceId));
}

/** The stored password and, while it is being rotated, the one that takes its place. */
export function openPasswords(
  vault: Vault,
  resourceId: string,
  row: { readonly sealed: Uint8Array; readonly pending: Uint8Array | null },
): { secret: SecretValue; alternative?: SecretValue } {
  return {
    secret: openCredential(vault, resourceId, row.sealed),
    ...(row.pending === null ? {} : { alternative: openCredential(vault, resourceId, row.pending) }),
  };
}

/** Says whether a secret is the one that was given before, without keeping that one. */
export function fingerprintOfGiven(maskKey: SecretValue, secret: SecretValue): Uint8Array<ArrayBuffer> {
  return maskKey.reveal((key) =>
    secret.reveal((text) => new Uint8Array(createHmac('sha256', key).update(`given-credential:${text}`).digest())),
  );
}

export function createMaskKey(
  vault: Vault,
  resourceId: string,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const key = new SecretValue(Buffer.from(randomBytes(MASK_KEY_BYTES)).toString('base64'));
  return new Uint8Array(vault.seal(key, maskKeyContext(resourceId)));
}

/** 32 bytes in base64: keys the `hash` mask, so that a value hashes alike within one resource and nowhere else. */
export function openMaskKey(
  vault: Vault,
  resource: { readonly id: string; readonly maskKey: Uint8Array },
): SecretValue {
  return vault.openSecret(resource.maskKey, maskKeyContext(resource.id));
}
