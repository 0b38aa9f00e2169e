import { finishSamlSignIn } from '@taskgate/services';
import { problemResponse } from '@/lib/problem-response.ts';
import { clientFactsOf, finishWith } from '@/lib/provider-sign-in.ts';
import { readBody } from '@/lib/read-body.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';
const MAX_BODY_BYTES = 1_048_576;

/** Assertion consumer service of one SAML provider: a form that its page posts, from another site by design. */
export async function POST(request: Request, context: { params: Promise<{ provider: string }> }): Promise<Response> {
  const { provider } = await context.params;
  try {
    const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
    const response = new URLSearchParams(text).get('SAMLResponse') ?? '';
    return await finishWith(async () =>
      finishSamlSignIn(await services(), { provider, response }, clientFactsOf(request)),
    );
  } catch (error) {
    return problemResponse(error);
  }
}
