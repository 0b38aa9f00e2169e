import 'server-only';
import { TaskgateError } from '@taskgate/core';
import type { ClientFacts } from '@taskgate/services';
import type { AuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { env } from '@/env.ts';
import { endSignIn, startPasskeySignIn, startSignIn } from './account.ts';
import { clientAddressOf } from './client-address.ts';
import { PEER_HEADER } from './peer-address.ts';
import { log } from './services.ts';
import { webSecret } from './web-secret.ts';

/** A sign-in lasts this long at most; the store may end it earlier. */
const MAX_AGE_SECONDS = 12 * 60 * 60;

export const SESSION_COOKIE = (): string => (env().https ? '__Secure-taskgate-session' : 'taskgate-session');

/**
 * The cookie holds the id of a sign-in and nothing else that counts: each use looks the sign-in up.
 * `previousSessionId`: the sign-in that this browser has now, which a new one ends.
 */
export async function authOptions(previousSessionId: string | null = null): Promise<AuthOptions> {
  const { https } = env();
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
          authorized(request.headers, https, (client) =>
            startSignIn(
              {
                email: String(credentials?.email ?? ''),
                password: String(credentials?.password ?? ''),
                previousSessionId,
              },
              client,
            ),
          ),
      }),
      CredentialsProvider({
        id: 'passkey',
        credentials: { assertion: {} },
        authorize: (credentials, request) =>
          authorized(request.headers, https, (client) =>
            startPasskeySignIn({ assertion: jsonOrNull(credentials?.assertion), previousSessionId }, client),
          ),
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
async function authorized(
  headers: Record<string, unknown> | undefined,
  https: boolean,
  start: (client: ClientFacts) => Promise<{ webSessionId: string }>,
): Promise<{ id: string }> {
  const header = (name: string): string => String(headers?.[name] ?? '');
  const forwarded = { 'x-forwarded-for': header('x-forwarded-for'), [PEER_HEADER]: header(PEER_HEADER) };
  try {
    const { webSessionId } = await start({
      address: clientAddressOf(new Headers(forwarded), https),
      userAgent: header('user-agent'),
    });
    return { id: webSessionId };
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
