import { toBase64url } from './base64url.ts';
import { canonicalJson } from './canonical-json.ts';
import type { WebCrypto } from './web-crypto.ts';

/** The key of a passkey as RFC 7517 writes it: its kind's own members and no others. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

/** `null` for any other kind of key. */
export function parsePublicJwk(value: unknown): PublicJwk | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kty, crv, x, y, n, e } = value as Record<string, unknown>;
  if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') return { kty, crv, x, y };
  if (kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string') return { kty, crv, x };
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') return { kty, n, e };
  return null;
}

/** RFC 7638: SHA-256 of the key's canonical members, base64url. */
export async function keyThumbprint(key: PublicJwk, crypto: WebCrypto): Promise<string> {
  return toBase64url(await crypto.sha256(canonicalJson(key)));
}
