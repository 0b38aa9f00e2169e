import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** A small OpenID Connect issuer on 127.0.0.1: discovery, keys, and tokens with the claims that a test wants. */
export interface TestIssuer {
  readonly url: string;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  /** A token of the current key; `iss`, `iat` and a new `jti` are filled in, `exp` 5 minutes after `iat`. Times in seconds. */
  mint(claims: Readonly<Record<string, unknown>>, options?: MintOptions): Promise<string>;
  /** From now on tokens are signed by another key; the old one stays published unless told otherwise. */
  rotate(options?: { readonly keepOld?: boolean }): Promise<void>;
  /** The published keys, as somebody would paste them. */
  jwks(): { keys: JWK[] };
  /** Answers like this instead of by itself; `null`: as before. */
  answer(handler: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  stop(): Promise<void>;
}

export interface MintOptions {
  /** Of `iat`, epoch milliseconds; now where it is missing. */
  readonly atMs?: number;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Claims as GitHub Actions gives them to a scheduled run of `main`. */
export const GITHUB_CLAIMS = {
  sub: 'repo:acme/shop:ref:refs/heads/main',
  aud: 'taskgate',
  repository: 'acme/shop',
  repository_id: '5678',
  repository_owner: 'acme',
  repository_owner_id: '1234',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  event_name: 'schedule',
  actor: 'anna',
  run_id: '42',
  job_workflow_ref: 'acme/shop/.github/workflows/nightly.yml@refs/heads/main',
} as const;

const LIFETIME_S = 300;

export async function startTestIssuer(options: { readonly port?: number } = {}): Promise<TestIssuer> {
  const keys: { kid: string; privateKey: CryptoKey; jwk: JWK }[] = [];
  const asked = new Map<string, number>();
  let override: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  let made = 0;

  async function addKey(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const kid = `key-${++made}`;
    keys.unshift({ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } });
  }
  await addKey();

  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    asked.set(path, (asked.get(path) ?? 0) + 1);
    if (override !== null) return override(request, response);
    const body =
      path === '/.well-known/openid-configuration'
        ? { issuer: url, jwks_uri: `${url}/keys` }
        : path === '/keys'
          ? { keys: keys.map(({ jwk }) => jwk) }
          : null;
    response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    asked,
    async mint(claims, { atMs = Date.now(), header = {} } = {}) {
      const { kid, privateKey } = keys[0]!;
      const iat = Math.floor(atMs / 1000);
      return new SignJWT({ iss: url, iat, exp: iat + LIFETIME_S, jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT', ...header })
        .sign(privateKey);
    },
    async rotate({ keepOld = true } = {}) {
      await addKey();
      if (!keepOld) keys.splice(1);
    },
    jwks: () => ({ keys: keys.map(({ jwk }) => jwk) }),
    answer(handler) {
      override = handler;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
