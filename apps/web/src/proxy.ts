import { type NextRequest, NextResponse } from 'next/server';
import { env } from '@/env.ts';
import { ANSWER_HEADERS } from '@/lib/answer-headers.ts';
import { contentSecurityPolicy } from '@/lib/content-security-policy.ts';
import { isOwnOrigin } from '@/lib/own-origin.ts';

/** Headers for every page, and the nonce that the renderer puts on its own scripts and styles. */
export function proxy(request: NextRequest): NextResponse {
  const settings = env();
  const headers = new Headers(request.headers);
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64');
  const host = request.headers.get('host') ?? '';
  const asked = `${settings.https ? 'https' : 'http'}://${host}`;
  const policy = contentSecurityPolicy({
    nonce,
    webUrl: settings.webUrl,
    consolePort: settings.consolePort,
    development: settings.development,
    // A Host header of anybody's choice must not get into a policy.
    hostname: new URL(isOwnOrigin(asked, settings.webUrl) ? asked : settings.webUrl).hostname,
  });
  // Set here always, so that what a client sends under these names is never believed.
  headers.set('x-nonce', nonce);
  headers.set('x-taskgate-path', request.nextUrl.pathname + request.nextUrl.search);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  for (const [name, value] of Object.entries(ANSWER_HEADERS)) response.headers.set(name, value);
  if (settings.https) response.headers.set('strict-transport-security', 'max-age=31536000');
  return response;
}

/**
 * Not the API: Next holds in memory the whole body of what it asks this about, whoever sends it, until its last byte came.
 * Its routes read no more than they need, once they know who asks; `next.config.ts` has their headers.
 */
export const config = { matcher: ['/((?!api/|scim/|_next/static|_next/image|icon.svg).*)'] };
