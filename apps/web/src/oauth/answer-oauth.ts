import 'server-only';
import { TaskgateError } from '@taskgate/core';
import { OAuthRefusal, type Services } from '@taskgate/services';
import { env } from '@/env.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { toProblem } from '@/lib/problem-response.ts';
import { clientFactsOf } from '@/lib/provider-sign-in.ts';
import { readBody } from '@/lib/read-body.ts';
import { services } from '@/lib/services.ts';

const MAX_BODY_BYTES = 262_144;
const HEADERS = { 'cache-control': 'no-store', pragma: 'no-cache' };

export interface OAuthCall {
  readonly services: Services;
  /** One value a name: RFC 6749, section 3.2, forbids a second. */
  readonly form: ReadonlyMap<string, string>;
  readonly client: { readonly address: string; readonly userAgent: string };
  readonly request: Request;
}

/**
 * One endpoint of OAuth: a form in, JSON out, errors as RFC 6749 (section 5.2) says them. The caller proves itself by
 * what the form holds, never by a cookie.
 */
export async function answerOAuth(
  request: Request,
  answer: (call: OAuthCall) => Promise<object | null>,
): Promise<Response> {
  try {
    // Another site's page, in somebody's browser, would use up the attempts of that somebody's address.
    if (
      (request.headers.has('origin') || request.headers.has('sec-fetch-site')) &&
      !isForgeryProof(request, env().webUrl)
    )
      throw new OAuthRefusal('invalid_request', 'this call came from a page of another site');
    const body = await answer({
      services: await services(),
      form: await readForm(request),
      client: clientFactsOf(request),
      request,
    });
    return body === null
      ? new Response(null, { status: 200, headers: HEADERS })
      : Response.json(body, { headers: HEADERS });
  } catch (error) {
    return refusalResponse(error);
  }
}

async function readForm(request: Request): Promise<ReadonlyMap<string, string>> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded')
    throw new OAuthRefusal('invalid_request', 'send a form (`content-type: application/x-www-form-urlencoded`)');
  const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) throw new OAuthRefusal('invalid_request', `\`${name.slice(0, 50)}\` is there twice`);
    // A parameter without a value counts as not sent (RFC 6749, section 3.2).
    if (value !== '') form.set(name, value);
  }
  return form;
}

function refusalResponse(error: unknown): Response {
  if (error instanceof OAuthRefusal) {
    const status = error.error === 'temporarily_unavailable' ? 503 : 400;
    return Response.json(
      { error: error.error, error_description: error.description, ...error.more },
      { status, headers: HEADERS },
    );
  }
  const { status, code, detail, problems } = toProblem(error);
  const name =
    status >= 500 || !(error instanceof TaskgateError)
      ? 'temporarily_unavailable'
      : code === 'rate-limited'
        ? 'slow_down'
        : 'invalid_request';
  return Response.json({ error: name, error_description: detail, code, problems }, { status, headers: HEADERS });
}

/** A parameter that must be there. */
export function required(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthRefusal('invalid_request', `\`${name}\` is missing`);
  return value;
}
