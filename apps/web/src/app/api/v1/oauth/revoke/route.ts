import { revokeToken } from '@taskgate/services';
import { answerOAuth, required } from '@/oauth/answer-oauth.ts';

export const dynamic = 'force-dynamic';

/** RFC 7009: 200 with nothing in it, for a token that never was too. */
export async function POST(request: Request): Promise<Response> {
  return answerOAuth(request, async ({ services, form }) => {
    await revokeToken(services, required(form, 'token'));
    return null;
  });
}
