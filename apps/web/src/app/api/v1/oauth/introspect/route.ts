import { introspectToken } from '@taskgate/services';
import { requireActor } from '@/lib/actor.ts';
import { answerOAuth, required } from '@/oauth/answer-oauth.ts';

export const dynamic = 'force-dynamic';

/** RFC 7662. The caller shows who it is as in the rest of the API. */
export async function POST(request: Request): Promise<Response> {
  return answerOAuth(request, async ({ services, form }) =>
    introspectToken({ services, actor: await requireActor(request) }, required(form, 'token')),
  );
}
