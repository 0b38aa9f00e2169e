import { NextRequest } from 'next/server';
import NextAuth from 'next-auth';
import { env } from '@/env.ts';
import { currentWebSessionId } from '@/lib/actor.ts';
import { authOptions } from '@/lib/auth-options.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { problemResponse } from '@/lib/problem-response.ts';
import { browserOfSignIn } from '@/lib/provider-sign-in.ts';
import { readBody } from '@/lib/read-body.ts';

const MAX_BODY_BYTES = 65_536;

type RouteContext = { params: Promise<{ nextauth: string[] }> };

async function handle(request: NextRequest, context: RouteContext): Promise<Response> {
  if (!isForgeryProof(request, env().webUrl)) return new Response(null, { status: 403 });
  try {
    return (await NextAuth(
      (await readWhole(request)) as never,
      context as never,
      await authOptions({ previousSessionId: await currentWebSessionId(), browser: await browserOfSignIn() }),
    )) as Response;
  } catch (error) {
    return problemResponse(error);
  }
}

/** The library reads whatever is sent, to its end. */
async function readWhole(request: NextRequest): Promise<NextRequest> {
  if (request.body === null) return request;
  const { method, headers } = request;
  return new NextRequest(request.url, { method, headers, body: await readBody(request, MAX_BODY_BYTES) });
}

export { handle as GET, handle as POST };
