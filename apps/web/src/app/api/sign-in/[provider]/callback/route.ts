import { finishOidcSignIn } from '@taskgate/services';
import { browserOfSignIn, clientFactsOf, finishWith } from '@/lib/provider-sign-in.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';

/** Redirect URI of one OpenID Connect provider. The state and this browser's cookie are what it is checked by. */
export async function GET(request: Request, context: { params: Promise<{ provider: string }> }): Promise<Response> {
  const { provider } = await context.params;
  return finishWith(async () =>
    finishOidcSignIn(
      await services(),
      { provider, query: new URL(request.url).search, browser: await browserOfSignIn() },
      clientFactsOf(request),
    ),
  );
}
