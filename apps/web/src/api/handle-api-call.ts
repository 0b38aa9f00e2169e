import 'server-only';
import { OpenAPIHandler } from '@orpc/openapi/fetch';
import { ORPCError } from '@orpc/server';
import { TaskgateError } from '@taskgate/core';
import { env } from '@/env.ts';
import { requireActor } from '@/lib/actor.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { problemResponse, toProblem } from '@/lib/problem-response.ts';
import { clientFactsOf } from '@/lib/provider-sign-in.ts';
import { readBody } from '@/lib/read-body.ts';
import { services } from '@/lib/services.ts';
import { router } from './router.ts';

const MAX_BODY_BYTES = 1_048_576;
/** Of what anybody may send, who is nobody yet. */
const MAX_OPEN_BODY_BYTES = 65_536;
const PREFIX = '/api/v1';
/** What can be called by nobody in particular. */
const OPEN = new Set([`POST ${PREFIX}/login`, `POST ${PREFIX}/sign-in/passkey-challenge`]);

const handler = new OpenAPIHandler(router, {
  customErrorResponseBodyEncoder: (error) =>
    (error.data as { problem?: unknown } | undefined)?.problem ?? toProblem(error),
  clientInterceptors: [
    async ({ next }) => {
      try {
        return await next();
      } catch (error) {
        const problem = toProblem(error);
        throw new ORPCError(problem.code, { status: problem.status, message: problem.detail, data: { problem } });
      }
    },
  ],
});

/** Another site's page, in somebody's browser, would use up the attempts of that somebody's address. */
function refuseOtherSites(request: Request): void {
  const fromBrowser = request.headers.has('origin') || request.headers.has('sec-fetch-site');
  if (fromBrowser && !isForgeryProof(request, env().webUrl))
    throw new TaskgateError('forbidden', 'this call came from another site');
}

async function readWhole(request: Request, maxBytes: number): Promise<Request> {
  if (request.body === null) return request;
  const { method, headers, signal } = request;
  return new Request(request.url, { method, headers, signal, body: await readBody(request, maxBytes) });
}

/** Every call of the API but the raw ones. Whatever happens, the answer is JSON, and an error is problem details. */
export async function handleApiCall(request: Request): Promise<Response> {
  try {
    const path = new URL(request.url).pathname;
    const open = OPEN.has(`${request.method} ${path}`);
    if (open) refuseOtherSites(request);
    const first = open ? null : await requireActor(request);
    const whole = await readWhole(request, open ? MAX_OPEN_BODY_BYTES : MAX_BODY_BYTES);
    // Asked again once the body is there: it may have taken its time, and they may have left.
    const actor = first === null || whole === request ? first : await requireActor(request);
    const { address, userAgent } = clientFactsOf(request);
    const { matched, response } = await handler.handle(whole, {
      prefix: PREFIX,
      context: {
        services: await services(),
        actor,
        clientAddress: address,
        userAgent,
      },
    });
    if (!matched) throw new TaskgateError('not-found', `there is no \`${request.method} ${path}\` in this API`);
    const headers = new Headers(response.headers);
    headers.set('cache-control', 'no-store');
    if (response.status >= 400) headers.set('content-type', 'application/problem+json');
    return new Response(response.body, { status: response.status, headers });
  } catch (error) {
    return problemResponse(error);
  }
}
