import type { NextRequest } from 'next/server';
import NextAuth from 'next-auth';
import { env } from '@/env.ts';
import { currentWebSessionId } from '@/lib/actor.ts';
import { authOptions } from '@/lib/auth-options.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { browserOfSignIn } from '@/lib/provider-sign-in.ts';

type RouteContext = { params: Promise<{ nextauth: string[] }> };

async function handle(request: NextRequest, context: RouteContext): Promise<Response> {
  if (!isForgeryProof(request, env().webUrl)) return new Response(null, { status: 403 });
  return (await NextAuth(
    request as never,
    context as never,
    await authOptions({ previousSessionId: await currentWebSessionId(), browser: await browserOfSignIn() }),
  )) as Response;
}

export { handle as GET, handle as POST };
