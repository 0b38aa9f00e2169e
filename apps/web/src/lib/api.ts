import { createORPCClient, ORPCError } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { JsonifiedClient } from '@orpc/openapi-client';
import { OpenAPILink } from '@orpc/openapi-client/fetch';
import { createTanstackQueryUtils } from '@orpc/tanstack-query';
import type { contract } from '@taskgate/contracts';
import type { ErrorCode } from '@taskgate/core';
import routes from './api-routes.json' with { type: 'json' };

type Client = JsonifiedClient<ContractRouterClient<typeof contract>>;

/** Back to the sign-in when the session is over, and from there to where the person was. */
function leaveToSignIn(): void {
  const here = window.location.pathname + window.location.search;
  if (window.location.pathname !== '/login') window.location.assign(`/login?next=${encodeURIComponent(here)}`);
}

// The routes are the contract without its schemas; see scripts/write-api-routes.ts.
const link = new OpenAPILink(routes as unknown as typeof contract, {
  url: () => `${window.location.origin}/api/v1`,
  fetch: async (request, init) => {
    const response = await fetch(request, { ...init, credentials: 'same-origin' });
    if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) return response;
    // The link reads JSON by its plain name only.
    const headers = new Headers(response.headers);
    headers.set('content-type', 'application/json');
    return new Response(response.body, { status: response.status, headers });
  },
  customErrorResponseBodyDecoder: (body, response) => {
    const problem = body as { code?: ErrorCode; detail?: string };
    if (typeof problem?.code !== 'string') return null;
    if (problem.code === 'not-signed-in') leaveToSignIn();
    return new ORPCError(problem.code, {
      status: response.status,
      message: problem.detail ?? problem.code,
      data: problem,
    });
  },
});

/** Plain calls: `api.grants.end({ id })`. Rejections are for {@link problemOf}. */
export const api: Client = createORPCClient(link);

/** The same for react-query: `useQuery(query.tasks.list.queryOptions())`, `useMutation(query.grants.end.mutationOptions())`. */
export const query = createTanstackQueryUtils(api);
