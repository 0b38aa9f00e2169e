import { createORPCClient, ORPCError } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { JsonifiedClient } from '@orpc/openapi-client';
import { OpenAPILink } from '@orpc/openapi-client/fetch';
import { contract } from '@taskgate/contracts';
import { readSignIn } from './credentials-file.ts';
import type { CliEnvironment } from './env.ts';
import { Failure } from './failure.ts';
import { reachServer } from './reach-server.ts';
import { serverUrl } from './server-url.ts';

export type Api = JsonifiedClient<ContractRouterClient<typeof contract>>;

const ANSWER_DEADLINE_MS = 30_000;

/** The HTTP API at `url`; `token` is `null` for the one call that needs none. */
export function createApi(url: string, token: string | null): Api {
  const link = new OpenAPILink(contract, {
    url: `${url}/api/v1`,
    headers: () => (token === null ? {} : { authorization: `Bearer ${token}` }),
    fetch: async (request, init) => {
      const response = await reachServer(url, () =>
        // A token must not follow a redirect to somewhere else.
        fetch(request, { ...init, redirect: 'error', signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) }),
      );
      if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) return response;
      // The link reads JSON by its plain name only.
      const headers = new Headers(response.headers);
      headers.set('content-type', 'application/json');
      return new Response(response.body, { status: response.status, headers });
    },
    customErrorResponseBodyDecoder: (body, response) => {
      const problem = body as { code?: string; detail?: string } | null;
      if (typeof problem?.code !== 'string') return null;
      return new ORPCError(problem.code, {
        status: response.status,
        message: problem.detail ?? problem.code,
        data: problem,
      });
    },
  });
  return createORPCClient(link);
}

export interface SignedIn {
  readonly api: Api;
  readonly url: string;
}

/** The API as whoever is signed in: TASKGATE_TOKEN, else the kept sign-in, which is shown to no other address. */
export function requireSignIn(env: CliEnvironment): SignedIn {
  if (env.token !== null) {
    const url = serverUrl(env);
    return { api: createApi(url, env.token), url };
  }
  const kept = readSignIn(env.configFolder);
  const next = 'sign in with `taskgate login`, or set TASKGATE_TOKEN';
  if (kept === null) throw new Failure(`you are not signed in; ${next}`);
  if (env.url !== null && env.url !== kept.url)
    throw new Failure(`you are signed in at ${kept.url}, not at ${env.url}; ${next}`);
  return { api: createApi(kept.url, kept.token), url: kept.url };
}
