import 'server-only';
import { TaskgateError } from '@taskgate/core';
import type { AuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { env } from '@/env.ts';
import { endSignIn, startPasskeySignIn, startProvenSignIn, startSignIn } from './account.ts';
import { clientAddressOf } from './client-address.ts';
import { PEER_HEADER } from './peer-address.ts';
import { refusalOf } from './provider-sign-in.ts';
import { log } from './services.ts';
import { webSecret } from './web-secret.ts';

/** A sign-in lasts this long at most; the store may end it earlier. */
const MAX_AGE_SECONDS = 12 * 60 * 60;

export const SESSION_COOKIE = (): string => (env().https ? '__Secure-taskgate-session' : 'taskgate-session');

/** What the browser's other cookies say, where a sign-in begins. */
export interface BrowserFacts {
  /** The sign-in that this browser has now, which a new one ends. */
  readonly previousSessionId: string | null;
  /** The cookie of a sign-in at a provider. */
  readonly browser: string | null;
}

/** The cookie holds the id of a sign-in and nothing else that counts: each use looks the sign-in up. */
export async function authOptions({ previousSessionId, browser }: BrowserFacts): Promise<AuthOptions> {
  const { https } = env();
  const clientOf = (headers: Record<string, unknown> | undefined) => {
    const header = (name: string): string => String(headers?.[name] ?? '');
    const seen = new Headers({ 'x-forwarded-for': header('x-forwarded-for'), [PEER_HEADER]: header(PEER_HEADER) });
    return { address: clientAddressOf(seen, https), userAgent: header('user-agent') };
  };
  return {
    secret: await webSecret(),
    useSecureCookies: https,
    session: { strategy: 'jwt', maxAge: MAX_AGE_SECONDS },
    pages: { signIn: '/login', signOut: '/login', error: '/login' },
    cookies: {
      sessionToken: { name: SESSION_COOKIE(), options: { httpOnly: true, sameSite: 'lax', path: '/', secure: https } },
    },
    providers: [
      CredentialsProvider({
        id: 'credentials',
        credentials: { email: {}, password: {} },
        authorize: (credentials, request) =>
          authorized(() =>
            startSignIn(
              {
                email: String(credentials?.email ?? ''),
                password: String(credentials?.password ?? ''),
                previousSessionId,
              },
              clientOf(request.headers),
            ),
          ),
      }),
      CredentialsProvider({
        id: 'passkey',
        credentials: { assertion: {} },
        authorize: (credentials, request) =>
          authorized(() =>
            startPasskeySignIn(
              { assertion: jsonOrNull(credentials?.assertion), previousSessionId },
              clientOf(request.headers),
            ),
          ),
      }),
      CredentialsProvider({
        id: 'provider',
        credentials: { code: {} },
        async authorize(credentials, request) {
          try {
            const input = { code: String(credentials?.code ?? ''), browser, previousSessionId };
            return { id: (await startProvenSignIn(input, clientOf(request.headers))).webSessionId };
          } catch (error) {
            const { refusal, reference } = refusalOf(error);
            throw new Error(reference === null ? refusal : `${refusal} ${reference}`);
          }
        },
      }),
    ],
    callbacks: {
      jwt: ({ token, user }) => (user ? { webSessionId: user.id } : { webSessionId: token.webSessionId }),
      // /api/auth/session tells nothing: who is signed in is /api/v1/me.
      session: ({ session }) => ({ expires: session.expires }),
      redirect: ({ baseUrl }) => baseUrl,
    },
    events: {
      async signOut({ token }) {
        if (typeof token.webSessionId === 'string') await endSignIn(token.webSessionId);
      },
    },
    logger: {
      error: (code) => log.warn('next-auth', { code }),
      warn: () => {},
      debug: () => {},
    },
  };
}

/** The sign-in's id for the cookie, or an error whose text is the code that the form shows. */
async function authorized(start: () => Promise<{ webSessionId: string }>): Promise<{ id: string }> {
  try {
    return { id: (await start()).webSessionId };
  } catch (error) {
    // The form shows the code; anything unexpected is only logged.
    if (error instanceof TaskgateError) throw new Error(error.code);
    log.error('a sign-in failed', { error: String(error) });
    throw new Error('internal');
  }
}

function jsonOrNull(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
