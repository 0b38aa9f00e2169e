import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { SecretValue } from '@taskgate/core';
import { GITHUB_CLAIMS, startTestIssuer, type TestIssuer } from '@taskgate/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addressKind } from './address-kind.ts';
import { fetchJson, urlProblem } from './fetch-json.ts';
import { createIssuerKeys, type IssuerKeys, KEYS_FRESH_MS, KEYS_RETRY_MS, KEYS_STALE_MS } from './issuer-keys.ts';
import { type IssuerTerms, verifyIssuerToken } from './verify-issuer-token.ts';

let issuer: TestIssuer;
let now: number;
let keys: IssuerKeys;
let terms: IssuerTerms;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.stop());
beforeEach(() => {
  issuer.answer(null);
  now = Date.UTC(2026, 0, 1);
  keys = createIssuerKeys(() => now);
  terms = {
    ...{ id: 'iss_1', kind: 'oidc', url: issuer.url, keySource: 'discovery', jwksUrl: null, jwks: null },
    ...{ privateNetwork: true, skewMs: 30_000, maxLifetimeMs: 3_600_000 },
  };
});

const mint = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> =>
  issuer.mint({ ...GITHUB_CLAIMS, ...claims }, { atMs: now, header });
const verify = (token: string, more: Partial<IssuerTerms> = {}, audiences = ['taskgate']) =>
  verifyIssuerToken(new SecretValue(token), { ...terms, ...more }, { audiences, now, keys });
const refusalOf = async (...args: Parameters<typeof verify>): Promise<string> => {
  const verdict = await verify(...args);
  return verdict.ok ? 'accepted' : verdict.refusal;
};
const seconds = (ms: number): number => Math.floor(ms / 1000);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const fetches = (): number => issuer.asked.get('/keys') ?? 0;

describe('a token of an issuer', () => {
  it('is believed when it signed it, for us, now', async () => {
    const verdict = await verify(await mint());
    expect(verdict).toMatchObject({ ok: true, claims: GITHUB_CLAIMS, expiresAt: now + 300_000 });
    expect(await refusalOf(await mint({ aud: ['other', 'taskgate'] }))).toBe('accepted');
  });

  it('is refused when it is for somebody else, or from somebody else', async () => {
    expect(await refusalOf(await mint({ aud: 'https://other.test' }))).toBe('wrong-audience');
    expect(await refusalOf(await mint({ aud: undefined }))).toBe('wrong-audience');
    expect(await refusalOf(await mint(), {}, [])).toBe('wrong-audience');
    expect(await refusalOf(await mint({ iss: `${issuer.url}/` }))).toBe('wrong-issuer');
    expect(await refusalOf(await mint({ iss: undefined }))).toBe('wrong-issuer');
  });

  it('is refused outside of its time, but for the skew', async () => {
    const token = await mint();
    now += 329_000;
    expect(await refusalOf(token)).toBe('accepted');
    now += 1_000;
    expect(await refusalOf(token)).toBe('expired');
    expect(await refusalOf(await mint({ iat: seconds(now) + 30 }))).toBe('accepted');
    expect(await refusalOf(await mint({ iat: seconds(now) + 31 }))).toBe('not-yet-valid');
    expect(await refusalOf(await mint({ nbf: seconds(now) + 31 }))).toBe('not-yet-valid');
  });

  it('is refused without times, or with a life longer than the issuer may give', async () => {
    expect(await refusalOf(await mint({ exp: undefined }))).toBe('claim-missing');
    expect(await refusalOf(await mint({ iat: undefined }))).toBe('claim-missing');
    expect(await refusalOf(await mint({ exp: seconds(now) + 3600 }))).toBe('accepted');
    expect(await refusalOf(await mint({ exp: seconds(now) + 3601 }))).toBe('lives-too-long');
    expect(await refusalOf(await mint({ exp: 1e300 }))).toBe('claim-missing');
  });

  it('is refused when anything of it was changed', async () => {
    const [header, , signature] = (await mint()).split('.') as [string, string, string];
    const claims = {
      ...GITHUB_CLAIMS,
      iss: issuer.url,
      iat: seconds(now),
      exp: seconds(now) + 60,
      repository: 'evil/x',
    };
    expect(await refusalOf(`${header}.${encode(claims)}.${signature}`)).toBe('bad-signature');
  });

  it('is refused where its signature is symmetric, by nobody, or by a key that it brings along', async () => {
    const claims = encode({ ...GITHUB_CLAIMS, iss: issuer.url, iat: seconds(now), exp: seconds(now) + 60 });
    const { kid } = issuer.jwks().keys[0]!;
    const hmac = (header: object): string => {
      const signed = `${encode(header)}.${claims}`;
      return `${signed}.${createHmac('sha256', JSON.stringify(issuer.jwks().keys[0])).update(signed).digest('base64url')}`;
    };
    expect(await refusalOf(hmac({ alg: 'HS256', kid }))).toBe('wrong-algorithm');
    expect(await refusalOf(`${encode({ alg: 'none' })}.${claims}.x`)).toBe('wrong-algorithm');
    expect(await refusalOf(`${encode({ alg: 'none' })}.${claims}.`)).toBe('not-a-token');
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signed = `${encode({ alg: 'RS256', kid, jwk: own.publicKey.export({ format: 'jwk' }) })}.${claims}`;
    const signature = sign('sha256', Buffer.from(signed), own.privateKey).toString('base64url');
    expect(await refusalOf(`${signed}.${signature}`)).toBe('bad-signature');
  });

  it('is not even read when it is too long, or no token', async () => {
    expect(await refusalOf(await mint({ filler: 'x'.repeat(20_000) }))).toBe('not-a-token');
    for (const text of ['', 'a.b', 'a.b.c', `${await mint()}\n`, `${await mint()}.x`])
      expect(await refusalOf(text)).toBe('not-a-token');
  });

  it('of a trust domain is held against `sub`, and its bundle’s JWT keys alone count', async () => {
    const bundle = (use: string) => ({ keys: issuer.jwks().keys.map((key) => ({ ...key, use })) });
    const spiffe = {
      kind: 'spiffe',
      url: 'spiffe://example.org',
      keySource: 'keys',
      jwks: bundle('jwt-svid'),
    } as const;
    const svid = { iss: undefined, iat: undefined, sub: 'spiffe://example.org/ns/jobs' };
    expect(await refusalOf(await mint(svid), spiffe)).toBe('accepted');
    expect(await refusalOf(await mint({ ...svid, sub: 'spiffe://example.org.evil/x' }), spiffe)).toBe('wrong-issuer');
    expect(await refusalOf(await mint({ ...svid, exp: seconds(now) + 7200 }), spiffe)).toBe('lives-too-long');
    expect(await refusalOf(await mint(svid), { ...spiffe, jwks: bundle('x509-svid') })).toBe('keys-unavailable');
  });

  it('is used once by its id, or by what was signed, whatever its signature looks like', async () => {
    const hash = async (token: string): Promise<string> => {
      const verdict = await verify(token);
      return verdict.ok ? Buffer.from(verdict.useHash).toString('hex') : verdict.refusal;
    };
    const token = await mint({ jti: undefined });
    expect(await hash(token)).toBe(await hash(token));
    expect(await hash(token)).not.toBe(await hash(await mint({ jti: undefined, run_id: '43' })));
    expect(await hash(await mint({ jti: 'x' }))).toBe(await hash(await mint({ jti: 'x', run_id: '43' })));
  });
});

describe('the keys of an issuer', () => {
  it('are kept, and asked for again when they are old', async () => {
    const before = fetches();
    await verify(await mint());
    await Promise.all([verify(await mint()), verify(await mint())]);
    expect(fetches() - before).toBe(1);
    now += KEYS_FRESH_MS;
    expect(await refusalOf(await mint())).toBe('accepted');
    expect(fetches() - before).toBe(2);
  });

  it('are asked for at once by a token of a key that is new, once however many come', async () => {
    await verify(await mint());
    await issuer.rotate();
    now += KEYS_RETRY_MS;
    const before = fetches();
    const verdicts = await Promise.all([mint(), mint(), mint()].map(async (token) => refusalOf(await token)));
    expect(verdicts).toEqual(['accepted', 'accepted', 'accepted']);
    expect(fetches() - before).toBe(1);
  });

  it('are not asked for more often by strangers who make up key ids', async () => {
    await verify(await mint());
    now += KEYS_RETRY_MS;
    const before = fetches();
    for (let i = 0; i < 20; i++) expect(await refusalOf(await mint({}, { kid: `made-up-${i}` }))).toBe('unknown-key');
    expect(fetches() - before).toBe(1);
  });

  it('that were taken away are not believed once they were asked for again', async () => {
    const old = await mint();
    await verify(old);
    await issuer.rotate({ keepOld: false });
    now += KEYS_RETRY_MS;
    expect(await refusalOf(await mint())).toBe('accepted');
    expect(await refusalOf(old)).toBe('unknown-key');
  });

  it('go on while the issuer is away, for a time, and then nothing of it is believed', async () => {
    await verify(await mint());
    issuer.answer((_, response) => response.writeHead(503).end());
    now += KEYS_STALE_MS - 1;
    expect(await refusalOf(await mint())).toBe('accepted');
    now += KEYS_RETRY_MS;
    expect(await refusalOf(await mint())).toBe('keys-unavailable');
    issuer.answer(null);
    now += KEYS_RETRY_MS;
    expect(await refusalOf(await mint())).toBe('accepted');
  });

  it('are not taken from a discovery that names another issuer, a redirect, too much, or what is none', async () => {
    const body = (value: unknown) => (_: unknown, response: { end(text: string): void }) =>
      response.end(JSON.stringify(value));
    const cases = [
      [body({ issuer: 'https://evil.test', jwks_uri: `${issuer.url}/keys` }), /names the issuer `https:\/\/evil/],
      [body({ issuer: issuer.url, jwks_uri: 'http://evil.test/keys' }), /use https/],
      [body({ issuer: issuer.url, jwks_uri: 'https://169.254.169.254/keys' }), /never asked/],
      [body({ issuer: issuer.url, filler: 'x'.repeat(300_000) }), /more than 262144 bytes/],
      [body('nothing'), /names the issuer `undefined`/],
    ] as const;
    for (const [handler, message] of cases) {
      keys = createIssuerKeys(() => now);
      issuer.answer(handler as never);
      expect(await verify(await mint())).toMatchObject({
        refusal: 'keys-unavailable',
        detail: expect.stringMatching(message),
      });
    }
    keys = createIssuerKeys(() => now);
    issuer.answer((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    expect(await verify(await mint())).toMatchObject({ detail: expect.stringMatching(/not followed/) });
  });

  it('that are private are not kept, whoever pastes them', async () => {
    const jwks = { keys: [{ ...issuer.jwks().keys[0], d: 'secret' }] };
    expect(await verify(await mint(), { keySource: 'keys', jwks })).toMatchObject({
      refusal: 'keys-unavailable',
      detail: expect.stringMatching(/private key/),
    });
    expect(await refusalOf(await mint(), { keySource: 'keys', jwks: { keys: [{ kty: 'oct', k: 'x' }] } })).toBe(
      'keys-unavailable',
    );
  });
});

describe('an address that keys are fetched from', () => {
  it('is https, and plain http on this machine alone', () => {
    expect(urlProblem('https://issuer.test', false)).toBeNull();
    expect(urlProblem('http://issuer.test', true)).toMatch(/https/);
    expect(urlProblem('http://127.0.0.1:8080', true)).toBeNull();
    expect(urlProblem('ftp://127.0.0.1', true)).toMatch(/https/);
    expect(urlProblem('https://user:secret@issuer.test', false)).toMatch(/leave out/);
  });

  it('is private only where the admin says so', async () => {
    for (const host of [
      '127.0.0.1',
      '10.0.0.1',
      '192.168.1.1',
      '[::1]',
      '[fd00::1]',
      '[::ffff:10.0.0.1]',

      '0x7f.1',
    ])
      expect(urlProblem(`https://${host}`, false), host).toMatch(/private/);
    expect(urlProblem('https://10.0.0.1', true)).toBeNull();
    for (const host of ['169.254.169.254', '0.0.0.0', '[fe80::1]', '[::ffff:169.254.169.254]', '[::]'])
      expect(urlProblem(`https://${host}`, true), host).toMatch(/never/);
  });

  it('is judged by what its name resolves to, at that very connection', async () => {
    const { port } = new URL(issuer.url);
    await expect(fetchJson(`http://localhost:${port}/keys`, { privateNetwork: false })).rejects.toThrow(/private/);
    await expect(fetchJson(`http://localhost:${port}/keys`, { privateNetwork: true })).resolves.toHaveProperty('keys');
  });

  it('is never what is no address', () => {
    expect(addressKind('example.org')).toBe('never');
    expect(addressKind('8.8.8.8')).toBeNull();
    expect(addressKind('2606:4700::1111')).toBeNull();
    expect(addressKind('64:ff9b::7f00:1')).toBe('private');
  });
});
