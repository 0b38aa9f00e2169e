import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';

/** What the provider says of whoever signs in. */
export interface TestAccount {
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What its ID token says beside the subject; the rest is in the user info alone. */
  readonly idToken?: Readonly<Record<string, unknown>>;
}

export interface TestOidcClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

/** A real OpenID Connect provider on a port of its own. It asks nobody for a password: the test says who signs in. */
export interface TestOidcProvider {
  readonly issuer: string;
  /** Whoever comes from now on is this one; `null`: they refuse to sign in. */
  signInAs(account: TestAccount | null): void;
  /** Follows an authorization request as a browser does; gives the address that it would be sent back to. */
  answer(authorizationUrl: string | URL): Promise<URL>;
  stop(): Promise<void>;
}

export async function startTestOidcProvider(clients: readonly TestOidcClient[]): Promise<TestOidcProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, TestAccount>();
  let current: TestAccount | null = null;

  const configuration: Configuration = {
    clients: clients.map(({ clientId, clientSecret, redirectUri }) => ({
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })),
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    scopes: ['openid', 'email', 'profile', 'groups'],
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, subject) => {
      const account = accounts.get(subject);
      return (
        account && {
          accountId: subject,
          claims: (use) => ({ sub: subject, ...(use === 'id_token' ? account.idToken : account.claims) }),
        }
      );
    },
    // Nobody is asked whether they agree: it is their employer's provider.
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client!.clientId,
        accountId: context.oidc.session!.accountId!,
      });
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  };
  const provider = new Provider(issuer, configuration);
  const handle = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void handle(request, response);
    const result =
      current === null
        ? { error: 'access_denied', error_description: 'the person said no' }
        : { login: { accountId: current.subject } };
    provider
      .interactionFinished(request, response, result, { mergeWithLastSubmission: false })
      .catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
  });
  return {
    issuer,
    signInAs(account) {
      if (account !== null) accounts.set(account.subject, account);
      current = account;
    },
    answer: (url) => follow(new URL(url), issuer),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const MAX_REDIRECTS = 20;

async function follow(start: URL, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let step = 0; step < MAX_REDIRECTS && url.origin === issuer; step++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '') cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
  }
  return url;
}
