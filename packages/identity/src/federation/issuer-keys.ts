import type { IssuerKind, KeySource } from '@taskgate/core';
import type { JSONWebKeySet, JWK } from 'jose';
import { FetchError, fetchJson } from './fetch-json.ts';

/** What of an issuer decides where its keys come from. */
export interface KeyOrigin {
  readonly id: string;
  readonly kind: IssuerKind;
  readonly url: string;
  readonly keySource: KeySource;
  readonly jwksUrl: string | null;
  readonly jwks: unknown;
  readonly privateNetwork: boolean;
}

export interface IssuerKeySet {
  readonly jwks: JSONWebKeySet;
  /** Where they were fetched from; `null`: they were pasted. */
  readonly from: string | null;
  /** Epoch milliseconds. */
  readonly fetchedAt: number;
}

/** Fetched keys are used this long before they are asked for again. */
export const KEYS_FRESH_MS = 10 * 60_000;
/** While the issuer is away its last keys go on for this long; after that nothing of it is believed. */
export const KEYS_STALE_MS = 60 * 60_000;
/** At most one fetch in this time, whatever tokens come: an unknown key id costs a stranger nothing. */
export const KEYS_RETRY_MS = 10_000;

const MAX_KEYS = 100;
/** Nothing but these of a key is looked at. */
const ASYMMETRIC = ['RSA', 'EC', 'OKP'];
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

interface Entry {
  readonly origin: string;
  keys: IssuerKeySet | null;
  lastTry: number;
  failure: FetchError | null;
  pending: Promise<void> | null;
}

/** The keys of issuers, kept in memory. */
export interface IssuerKeys {
  /** Throws {@link FetchError} where there are none to be had. `kid` that is not among them has them asked for anew. */
  get(origin: KeyOrigin, kid: string | null): Promise<IssuerKeySet>;
}

export function createIssuerKeys(now: () => number, fetch: typeof fetchJson = fetchJson): IssuerKeys {
  const entries = new Map<string, Entry>();

  function entryOf(origin: KeyOrigin): Entry {
    const text = JSON.stringify([origin.kind, origin.url, origin.keySource, origin.jwksUrl, origin.privateNetwork]);
    const known = entries.get(origin.id);
    if (known?.origin === text) return known;
    const entry: Entry = { origin: text, keys: null, lastTry: Number.NEGATIVE_INFINITY, failure: null, pending: null };
    entries.set(origin.id, entry);
    return entry;
  }

  /** One fetch at a time, and not more often than allowed: otherwise what is known stays. */
  async function refresh(origin: KeyOrigin, entry: Entry): Promise<void> {
    if (entry.pending === null) {
      if (now() - entry.lastTry < KEYS_RETRY_MS) return;
      entry.lastTry = now();
      entry.pending = fetchKeys(origin, fetch)
        .then(({ jwks, from }) => {
          entry.keys = { jwks, from, fetchedAt: now() };
          entry.failure = null;
        })
        .catch((error: unknown) => {
          entry.failure = error instanceof FetchError ? error : new FetchError('the keys cannot be had');
        })
        .finally(() => {
          entry.pending = null;
        });
    }
    await entry.pending;
  }

  return {
    async get(origin, kid) {
      if (origin.keySource === 'keys')
        return { jwks: readKeySet(origin.jwks, origin.kind), from: null, fetchedAt: now() };
      const entry = entryOf(origin);
      const age = (): number => (entry.keys === null ? Number.POSITIVE_INFINITY : now() - entry.keys.fetchedAt);
      const knows = (): boolean => kid === null || (entry.keys?.jwks.keys.some((key) => key.kid === kid) ?? false);
      if (age() >= KEYS_FRESH_MS || !knows()) await refresh(origin, entry);
      if (entry.keys !== null && age() < KEYS_STALE_MS) return entry.keys;
      throw entry.failure ?? new FetchError('the keys were asked for a moment ago; try again in 10 seconds');
    },
  };
}

async function fetchKeys(
  origin: KeyOrigin,
  fetch: typeof fetchJson,
): Promise<{ readonly jwks: JSONWebKeySet; readonly from: string }> {
  const options = { privateNetwork: origin.privateNetwork };
  const from = origin.keySource === 'url' ? origin.jwksUrl! : await discover(origin, fetch);
  return { jwks: readKeySet(await fetch(from, options), origin.kind), from };
}

/** OpenID Connect Discovery 1.0, section 4: the document must name the very issuer that it was asked about. */
async function discover(origin: KeyOrigin, fetch: typeof fetchJson): Promise<string> {
  const at = `${origin.url.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetch(at, { privateNetwork: origin.privateNetwork });
  const { issuer, jwks_uri: jwksUri } = (document ?? {}) as Record<string, unknown>;
  if (issuer !== origin.url)
    throw new FetchError(`${at} names the issuer \`${String(issuer).slice(0, 200)}\`; give its address exactly so`);
  if (typeof jwksUri !== 'string') throw new FetchError(`${at} does not say where its keys are (\`jwks_uri\`)`);
  return jwksUri;
}

/**
 * The public keys of a JSON Web Key Set (RFC 7517). Throws {@link FetchError} where there is none that can verify a
 * token, or where somebody gave away a private one.
 */
export function readKeySet(value: unknown, kind: IssuerKind): JSONWebKeySet {
  const keys: unknown = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new FetchError('this is not a JSON Web Key Set: it has no list `keys`');
  if (keys.length > MAX_KEYS) throw new FetchError(`a key set of more than ${MAX_KEYS} keys is not read`);
  const usable = keys.flatMap((key: unknown) => {
    if (typeof key !== 'object' || key === null || !ASYMMETRIC.includes(String((key as JWK).kty))) return [];
    if (PRIVATE_MEMBERS.some((member) => member in key))
      throw new FetchError('the key set holds a private key: it is not kept; have that key replaced, it is known now');
    // A trust bundle of SPIFFE holds keys for certificates too, and those for JWT-SVIDs say so in a word of its own.
    if (kind !== 'spiffe') return [key as JWK];
    const { use, ...rest } = key as JWK;
    return use === 'jwt-svid' ? [rest as JWK] : [];
  });
  if (usable.length === 0) throw new FetchError('the key set has no public key that could verify a token');
  return { keys: usable };
}
