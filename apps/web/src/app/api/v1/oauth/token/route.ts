import { exchangeToken, OAuthRefusal, redeemDeviceCode } from '@taskgate/services';
import { answerOAuth, type OAuthCall, required } from '@/oauth/answer-oauth.ts';

export const dynamic = 'force-dynamic';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** RFC 6749, section 3.2, for token exchange (RFC 8693) and for device codes (RFC 8628). */
export async function POST(request: Request): Promise<Response> {
  return answerOAuth(request, (call) => {
    const grantType = required(call.form, 'grant_type');
    if (grantType === TOKEN_EXCHANGE) return exchange(call);
    if (grantType === DEVICE_CODE) return redeem(call);
    throw new OAuthRefusal('unsupported_grant_type', `\`${grantType.slice(0, 100)}\` is not supported here`);
  });
}

async function redeem({ services, form, client }: OAuthCall): Promise<object> {
  const { token, expiresAt, email, name } = await redeemDeviceCode(services, required(form, 'device_code'), client);
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: Math.floor((expiresAt - services.clock.now()) / 1000),
    email,
    token_name: name,
  };
}

/** Limits that may be said by themselves, beside `narrow`. */
const LIMITS = ['rows', 'bytes', 'statements', 'duration', 'connections'] as const;

async function exchange({ services, form, client }: OAuthCall): Promise<object> {
  const wantedType = form.get('requested_token_type') ?? ACCESS_TOKEN;
  if (wantedType !== ACCESS_TOKEN)
    throw new OAuthRefusal('invalid_request', `only \`${ACCESS_TOKEN}\` can be given as \`requested_token_type\``);
  const { token, grant, connect } = await exchangeToken(
    services,
    {
      subjectToken: required(form, 'subject_token'),
      subjectTokenType: required(form, 'subject_token_type'),
      actorToken: form.get('actor_token') ?? null,
      actorTokenType: form.get('actor_token_type') ?? null,
      audience: form.get('audience') ?? null,
      grantId: form.get('grant_id') ?? null,
      narrow: narrowingOf(form),
      ttlMs: form.has('ttl') ? wholeNumber(form, 'ttl') * 1000 : null,
      reason: form.get('reason') ?? null,
      ticket: form.get('ticket') ?? null,
    },
    client,
  );
  const expiresAt = Date.parse(grant.expiresAt!);
  return {
    access_token: token,
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: Math.max(0, Math.floor((expiresAt - services.clock.now()) / 1000)),
    expires_at: grant.expiresAt,
    grant_id: grant.id,
    parent_grant_id: grant.parentId,
    connect,
  };
}

function narrowingOf(form: ReadonlyMap<string, string>) {
  const text = form.get('narrow');
  const limits = Object.fromEntries(LIMITS.flatMap((name) => (form.has(name) ? [[name, limitOf(form, name)]] : [])));
  const said = text === undefined ? {} : readJson(text);
  if (text === undefined && Object.keys(limits).length === 0) return null;
  const inside = 'limits' in said && typeof said.limits === 'object' ? said.limits : {};
  return { ...said, ...(Object.keys(limits).length === 0 ? {} : { limits: { ...inside, ...limits } }) };
}

function readJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new OAuthRefusal('invalid_request', '`narrow` is not a JSON object');
}

/** A number, or a quantity such as `20MB` or `5m`, as a task's `limits` take them. */
const limitOf = (form: ReadonlyMap<string, string>, name: string): string | number => {
  const text = required(form, name);
  return /^\d+$/.test(text) ? Number(text) : text;
};

function wholeNumber(form: ReadonlyMap<string, string>, name: string): number {
  const text = required(form, name);
  if (!/^\d{1,9}$/.test(text)) throw new OAuthRefusal('invalid_request', `\`${name}\` is not a number of seconds`);
  return Number(text);
}
