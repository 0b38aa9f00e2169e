import { Failure } from './failure.ts';
import { reachServer } from './reach-server.ts';

const ANSWER_DEADLINE_MS = 30_000;

export type OAuthAnswer =
  | { readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly error: string;
      readonly description: string;
      readonly body: Readonly<Record<string, unknown>>;
    };

/** One call of an OAuth endpoint: a form, with JSON back. Throws {@link Failure} where nothing that is Taskgate answers. */
export async function callOAuth(
  url: string,
  endpoint: 'token' | 'device_authorization' | 'introspect' | 'revoke',
  form: Readonly<Record<string, string>>,
): Promise<OAuthAnswer> {
  const { response, text } = await reachServer(url, async () => {
    const answer = await fetch(`${url}/api/v1/oauth/${endpoint}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      // A token must not follow a redirect to somewhere else.
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    return { response: answer, text: await answer.text() };
  });
  const body = readJson(url, text);
  if (response.ok) return { body };
  if (typeof body.error !== 'string')
    throw new Failure(`the server answered ${response.status} and not as Taskgate does`);
  return { error: body.error, description: String(body.error_description ?? body.error), body };
}

function readJson(url: string, text: string): Record<string, unknown> {
  try {
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    throw new Failure(`what answers at ${url} is not Taskgate; check TASKGATE_URL`);
  }
}
