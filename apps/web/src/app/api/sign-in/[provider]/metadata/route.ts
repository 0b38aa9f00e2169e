import { describeSamlProvider } from '@taskgate/services';
import { problemResponse } from '@/lib/problem-response.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';

/** Metadata of this side for one SAML provider: nothing in it is secret. */
export async function GET(_: Request, context: { params: Promise<{ provider: string }> }): Promise<Response> {
  try {
    const { provider } = await context.params;
    return new Response(await describeSamlProvider(await services(), provider), {
      headers: { 'content-type': 'application/samlmetadata+xml; charset=utf-8', 'cache-control': 'no-store' },
    });
  } catch (error) {
    return problemResponse(error);
  }
}
