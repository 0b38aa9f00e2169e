import { startProviderSignIn } from '@taskgate/services';
import { env } from '@/env.ts';
import { currentWebSessionId } from '@/lib/actor.ts';
import { localPath } from '@/lib/local-path.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { browserOfSignIn, clientFactsOf, keepBrowser, refusedResponse } from '@/lib/provider-sign-in.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';

/** From the sign-in page to the provider. Another site cannot begin one. */
export async function GET(request: Request, context: { params: Promise<{ provider: string }> }): Promise<Response> {
  if (!isForgeryProof(request, env().webUrl)) return new Response(null, { status: 403 });
  const { provider } = await context.params;
  try {
    const next = localPath(new URL(request.url).searchParams.get('next'));
    const started = await startProviderSignIn(
      await services(),
      { provider, next, browser: await browserOfSignIn(), webSessionId: await currentWebSessionId() },
      clientFactsOf(request),
    );
    await keepBrowser(started.browser);
    return new Response(null, {
      status: 303,
      headers: { location: started.url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    });
  } catch (error) {
    return refusedResponse(error);
  }
}
