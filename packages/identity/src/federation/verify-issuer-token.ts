import { createHash } from 'node:crypto';
import type { SecretValue } from '@taskgate/core';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { FetchError } from './fetch-json.ts';
import type { IssuerKeys, KeyOrigin } from './issuer-keys.ts';

/** What a token of an issuer is verified by. Durations in milliseconds. */
export interface IssuerTerms extends KeyOrigin {
  readonly skewMs: number;
  readonly maxLifetimeMs: number;
}

/** Bytes of a token that are looked at. */
export const MAX_TOKEN_BYTES = 16_384;

/** Signatures that the issuer alone can make. Nothing symmetric, and never `none`. */
export const TOKEN_ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

export type TokenRefusal =
  | 'not-a-token'
  | 'wrong-algorithm'
  | 'keys-unavailable'
  | 'unknown-key'
  | 'bad-signature'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'expired'
  | 'not-yet-valid'
  | 'lives-too-long'
  | 'claim-missing';

export type TokenVerdict =
  | {
      readonly ok: true;
      readonly claims: Readonly<Record<string, unknown>>;
      readonly expiresAt: number;
      readonly useHash: Uint8Array<ArrayBuffer>;
    }
  | { readonly ok: false; readonly refusal: TokenRefusal; readonly detail: string };

/** A token as it says it is: nothing of it is proven. `null`: it is none. */
export interface UnverifiedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export function readUnverified(token: SecretValue): UnverifiedToken | null {
  return token.reveal((text) => {
    if (text.length > MAX_TOKEN_BYTES || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return null;
    try {
      return { header: { ...decodeProtectedHeader(text) }, claims: decodeJwt(text) };
    } catch {
      return null;
    }
  });
}

/**
 * Whether the issuer signed this token, for one of `audiences`, and it holds now (RFC 7519, RFC 8725). `detail` says
 * precisely what was wrong, for the log and for an admin: it holds claims, never the token.
 */
export async function verifyIssuerToken(
  token: SecretValue,
  issuer: IssuerTerms,
  options: { readonly audiences: readonly string[]; readonly now: number; readonly keys: IssuerKeys },
): Promise<TokenVerdict> {
  const read = readUnverified(token);
  if (read === null) return refuse('not-a-token', 'it is not a signed JSON Web Token of at most 16 KB');
  const { alg, kid } = read.header;
  if (typeof alg !== 'string' || !TOKEN_ALGORITHMS.includes(alg))
    return refuse(
      'wrong-algorithm',
      `it is signed by \`${String(alg)}\`; a signature by RSA, ECDSA or EdDSA is needed`,
    );
  if (options.audiences.length === 0) return refuse('wrong-audience', 'no audience is set for it');

  const payload = await verifySignature(token, issuer, options, typeof kid === 'string' ? kid : null);
  return 'refusal' in payload ? payload : checkClaims(token, payload.claims, issuer, options);
}

const refuse = (refusal: TokenRefusal, detail: string) => ({ ok: false, refusal, detail }) as const;

async function verifySignature(
  token: SecretValue,
  issuer: IssuerTerms,
  options: { readonly now: number; readonly keys: IssuerKeys },
  kid: string | null,
): Promise<{ readonly claims: JWTPayload } | ReturnType<typeof refuse>> {
  try {
    const { jwks } = await options.keys.get(issuer, kid);
    // Times and names are checked below, with words of our own: here the signature alone counts.
    const anyTime = { currentDate: new Date(0), clockTolerance: Number.MAX_SAFE_INTEGER } as const;
    const { payload } = await token.reveal((text) =>
      jwtVerify(text, createLocalJWKSet(jwks), { algorithms: [...TOKEN_ALGORITHMS], ...anyTime }),
    );
    return { claims: payload };
  } catch (error) {
    if (error instanceof FetchError)
      return refuse('keys-unavailable', `the issuer's keys cannot be had: ${error.message}`);
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
      return refuse('unknown-key', `the issuer has no key \`${kid ?? ''}\` for such a token`);
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return refuse(
        'bad-signature',
        'the signature is not the issuer’s: the token was changed, or somebody else made it',
      );
    if (error instanceof errors.JOSEError) return refuse('not-a-token', `it cannot be verified (${error.code})`);
    throw error;
  }
}

function checkClaims(
  token: SecretValue,
  claims: JWTPayload,
  issuer: IssuerTerms,
  { audiences, now }: { readonly audiences: readonly string[]; readonly now: number },
): TokenVerdict {
  const wrongIssuer = checkIssuer(claims, issuer);
  if (wrongIssuer !== null) return refuse('wrong-issuer', wrongIssuer);
  const aud: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.some((audience) => aud.includes(audience)))
    return refuse(
      'wrong-audience',
      `it is for \`${aud.map(String).join('`, `').slice(0, 200)}\`, not for \`${audiences.join('` or `')}\`: have the job ask for that audience`,
    );

  const exp = instantOf(claims.exp);
  const iat = instantOf(claims.iat);
  const nbf = instantOf(claims.nbf);
  if (exp === null) return refuse('claim-missing', 'it does not say when it ends (`exp`)');
  // JWT-SVIDs need not have it; the length of their life is then what is left of it.
  if (iat === null && issuer.kind !== 'spiffe')
    return refuse('claim-missing', 'it does not say when it was issued (`iat`)');
  if (exp + issuer.skewMs <= now) return refuse('expired', `it ended ${agoOf(now - exp)} ago`);
  const begins = Math.max(iat ?? now, nbf ?? now);
  if (begins - issuer.skewMs > now)
    return refuse('not-yet-valid', `it begins in ${agoOf(begins - now)}: the clocks differ by more than is allowed`);
  if (exp - (iat ?? now) > issuer.maxLifetimeMs)
    return refuse('lives-too-long', `it was issued for ${agoOf(exp - (iat ?? now))}, longer than the issuer may`);
  return { ok: true, claims, expiresAt: exp, useHash: useHashOf(token, claims) };
}

/** Exactly, letter by letter. A JWT-SVID need not name its issuer: its trust domain is in `sub` (SPIFFE JWT-SVID, 3). */
function checkIssuer(claims: JWTPayload, issuer: IssuerTerms): string | null {
  if (issuer.kind === 'spiffe')
    return typeof claims.sub === 'string' && claims.sub.startsWith(`${issuer.url}/`)
      ? null
      : `its \`sub\` is not in the trust domain \`${issuer.url}\``;
  return claims.iss === issuer.url
    ? null
    : `it says it is from \`${String(claims.iss).slice(0, 200)}\`, not from \`${issuer.url}\``;
}

/** Seconds since the epoch, as milliseconds; `null` for what is no such number. */
const instantOf = (seconds: unknown): number | null =>
  typeof seconds === 'number' && Number.isFinite(seconds) && Math.abs(seconds) < 1e11 ? seconds * 1000 : null;

function agoOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * What stands for one use of the token: its `jti`, else what was signed. Not the signature: of an ECDSA signature
 * anybody can make a second one that verifies.
 */
function useHashOf(token: SecretValue, claims: JWTPayload): Uint8Array<ArrayBuffer> {
  const text =
    typeof claims.jti === 'string' && claims.jti !== ''
      ? `jti:${claims.jti}`
      : token.reveal((value) => `signed:${value.slice(0, value.lastIndexOf('.'))}`);
  return new Uint8Array(createHash('sha256').update(text).digest());
}
