import 'server-only';
import { TaskgateError } from '@taskgate/core';
import type { AuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { env } from '@/env.ts';
import { endSignIn, startSignIn } from './account.ts';
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
        credentials: { email: {}, password: {} },
        async authorize(credentials, request) {
          const header = (name: string): string => String(request.headers?.[name] ?? '');
          try {
            const signedIn = await startSignIn(
              {
                email: String(credentials?.email ?? ''),
                password: String(credentials?.password ?? ''),
                previousSessionId,
              },
              {
                address: clientAddressOf(
                  new Headers({
                    'x-forwarded-for': header('x-forwarded-for'),
                    [PEER_HEADER]: header(PEER_HEADER),
                  }),
                  https,
                ),
                userAgent: header('user-agent'),
              },
            );
            return { id: signedIn.webSessionId };
          } catch (error) {
            // The form shows the code; anything unexpected is only logged.
            if (error instanceof TaskgateError) throw new Error(error.code);
            log.error('a sign-in failed', { error: String(error) });
            throw new Error('internal');
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
