import 'server-only';
import type { SignInRefusal } from '@taskgate/core';
import { type ClientFacts, type ProvenSignIn, SignInRefused } from '@taskgate/services';
import { cookies } from 'next/headers';
import { env } from '@/env.ts';
import { clientAddressOf } from './client-address.ts';
import { log } from './services.ts';

const BROWSER_SECONDS = 15 * 60;
const MAX_CLIENT_TEXT = 300;

/** Keeps a sign-in at a provider with the browser that began it. Another site's host cannot set one of the prefix. */
export const BROWSER_COOKIE = (): string => (env().https ? '__Host-taskgate-sign-in' : 'taskgate-sign-in');

export const browserOfSignIn = async (): Promise<string | null> =>
  (await cookies()).get(BROWSER_COOKIE())?.value ?? null;

export async function keepBrowser(browser: string): Promise<void> {
  (await cookies()).set(BROWSER_COOKIE(), browser, {
    httpOnly: true,
    // The provider sends the browser back by a link of its own site.
    sameSite: 'lax',
    secure: env().https,
    path: '/',
    maxAge: BROWSER_SECONDS,
  });
}

export const clientFactsOf = (request: Request): ClientFacts => ({
  address: clientAddressOf(request.headers, env().https),
  userAgent: (request.headers.get('user-agent') ?? '').slice(0, MAX_CLIENT_TEXT),
});

/** To a page of this site, from wherever the browser was: what comes after `#` is sent to no server. */
export function goTo(path: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location: `${env().webUrl}${path}`, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  });
}

/** Runs the end of a sign-in at a provider: on to where the code is redeemed, or back to the sign-in with what was wrong. */
export async function finishWith(finish: () => Promise<ProvenSignIn>): Promise<Response> {
  try {
    const { code, next } = await finish();
    return goTo(`/login/finish#${new URLSearchParams({ code, next })}`);
  } catch (error) {
    return refusedResponse(error);
  }
}

export function refusedResponse(error: unknown): Response {
  const { refusal, reference } = refusalOf(error);
  return goTo(`/login?${new URLSearchParams({ refused: refusal, ...(reference === null ? {} : { reference }) })}`);
}

/** What the person is told; anything unexpected is only logged. */
export function refusalOf(error: unknown): { readonly refusal: SignInRefusal; readonly reference: string | null } {
  if (error instanceof SignInRefused) return error;
  const reference = crypto.randomUUID();
  log.error('a sign-in at a provider failed', {
    id: reference,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return { refusal: 'internal', reference };
}
