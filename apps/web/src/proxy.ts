import { type NextRequest, NextResponse } from 'next/server';
import { env } from '@/env.ts';
import { contentSecurityPolicy } from '@/lib/content-security-policy.ts';
import { isOwnOrigin } from '@/lib/own-origin.ts';

/** Headers for every answer, and for pages the nonce that the renderer puts on its own scripts and styles. */
export function proxy(request: NextRequest): NextResponse {
  const settings = env();
  const api = /^\/(?:api|scim)\//.test(request.nextUrl.pathname);
  const headers = new Headers(request.headers);
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64');
  const host = request.headers.get('host') ?? '';
  const asked = `${settings.https ? 'https' : 'http'}://${host}`;
  const policy = api
    ? "default-src 'none'; frame-ancestors 'none'; sandbox"
    : contentSecurityPolicy({
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
  if (!api) headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('x-frame-options', 'DENY');
  response.headers.set('referrer-policy', 'same-origin');
  response.headers.set('cross-origin-opener-policy', 'same-origin');
  response.headers.set('cross-origin-resource-policy', 'same-origin');
  response.headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
  if (settings.https) response.headers.set('strict-transport-security', 'max-age=31536000');
  return response;
}

export const config = { matcher: ['/((?!_next/static|_next/image|icon.svg).*)'] };
