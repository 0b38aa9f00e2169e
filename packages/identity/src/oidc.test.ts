import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startOidc, testOidc } from './oidc.ts';
import { ProviderError } from './sign-in-proof.ts';

const servers: Server[] = [];
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(async (server) => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }),
  );
});

/** A provider that says of itself what a test wants. */
async function provider(more: (issuer: string) => object): Promise<string> {
  const issuer: string = await serve((_, response) => {
    response.setHeader('content-type', 'application/json');
    const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
    response.end(JSON.stringify({ issuer, ...endpoints, ...more(issuer) }));
  });
  return issuer;
}
const of = (issuer: string) => ({ issuer, clientId: 'taskgate', clientSecret: null });
const lastStep = async (issuer: string) => (await testOidc(of(issuer))).at(-1)!;

describe('a provider that is not to be trusted', () => {
  it('cannot have what answers inside of the network read out to who tests it', async () => {
    const inside = await serve((_, response) => response.end('AKIA-the-credentials-of-a-cloud'));
    const { ok, message } = await lastStep(await provider(() => ({ jwks_uri: inside })));
    expect(ok).toBe(false);
    expect(message).not.toContain('AKIA');
  });

  it('has its keys asked for by HTTPS, or on this machine, and nowhere else', async () => {
    for (const address of ['http://keys.invalid/', 'file:///etc/passwd', 1]) {
      const { ok, message } = await lastStep(await provider(() => ({ jwks_uri: address })));
      expect(ok).toBe(false);
      expect(message).toMatch(/not reached by HTTPS/);
    }
  });

  it('answers with no more than is read of it, however long it goes on', async () => {
    let sent = 0;
    const issuer = await serve((_, response) => {
      response.setHeader('content-type', 'application/json');
      const chunk = Buffer.alloc(65_536, ' ');
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    const refused = await startOidc(of(issuer), {
      redirectUri: 'http://127.0.0.1/callback',
      scopes: ['openid'],
      secrets: { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) },
    }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProviderError);
    expect(refused).toMatchObject({ fault: 'not-valid', message: expect.stringMatching(/more than 1 MB/) });
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });
});
