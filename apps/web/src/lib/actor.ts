import 'server-only';
import { TaskgateError } from '@taskgate/core';
import type { IdentityActor } from '@taskgate/services';
import { cookies } from 'next/headers';
import { decode } from 'next-auth/jwt';
import { cache } from 'react';
import { env } from '@/env.ts';
import { actorOfBearerToken, actorOfWebSession, sessionOf } from './account.ts';
import { SESSION_COOKIE } from './auth-options.ts';
import type { Session } from './me.tsx';
import { isForgeryProof } from './own-origin.ts';
import { webSecret } from './web-secret.ts';

const MAX_TOKEN_LENGTH = 500;

/** The sign-in that the browser's cookie names, not looked up yet; `null` where there is none that is ours. */
export async function currentWebSessionId(): Promise<string | null> {
  const cookie = (await cookies()).get(SESSION_COOKIE())?.value;
  if (!cookie) return null;
  try {
    const token = await decode({ token: cookie, secret: await webSecret() });
    return typeof token?.webSessionId === 'string' ? token.webSessionId : null;
  } catch {
    // Not sealed with our secret, or altered, or too old.
    return null;
  }
}

/** Who is behind a page, or `null`. Looked up once for each rendering. */
export const loadWebSession = cache(async (): Promise<Session | null> => {
  const id = await currentWebSessionId();
  const actor = id === null ? null : await actorOfWebSession(id);
  return actor === null ? null : sessionOf(actor);
});

/**
 * Who is behind a call of the API: an API token, a grant's token, or the browser's cookie from a page of this origin. Throws
 * `not-signed-in`, or `forbidden` for a call that another site may have started.
 */
export async function requireActor(request: Request): Promise<IdentityActor> {
  const authorization = request.headers.get('authorization');
  if (authorization !== null) {
    const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization) ?? [];
    // A header that is there is what counts: a wrong token never falls back to a cookie.
    const actor = token && token.length <= MAX_TOKEN_LENGTH ? await actorOfBearerToken(token) : null;
    if (!actor) throw new TaskgateError('not-signed-in', 'this token is not valid, or it has ended');
    return actor;
  }
  const id = await currentWebSessionId();
  const actor = id === null ? null : await actorOfWebSession(id);
  if (!actor) throw new TaskgateError('not-signed-in', 'sign in first');
  if (!isForgeryProof(request, env().webUrl))
    throw new TaskgateError('forbidden', `this call came from another site than \`${env().webUrl}\``);
  return actor;
}
