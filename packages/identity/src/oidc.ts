import type { SecretValue } from '@taskgate/core';
import * as client from 'openid-client';
import { isSecureAddress } from './provider-address.ts';
import { ProviderError, type ProviderTestStep, readGroups, readText, type SignInProof } from './sign-in-proof.ts';

export interface OidcIssuer {
  /** Where its discovery document is, and the `iss` of its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** `null`: a public client, which PKCE alone protects. */
  readonly clientSecret: SecretValue | null;
}

/** One sign-in's own random values; a `null`-free set that both halves of it must know. */
export interface OidcSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface OidcStart {
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly secrets: OidcSecrets;
}

export interface OidcAnswer {
  /** The whole address that the provider sent the browser to; its origin and path are the redirect URI. */
  readonly callback: URL;
  readonly secrets: OidcSecrets;
  /** Name of the claim with the groups, or its path with dots. */
  readonly groupsClaim: string;
}

const TIMEOUT_SECONDS = 10;
const MAX_ANSWER_BYTES = 1_048_576;

/** Where to send the browser (OpenID Connect Core 3.1.2.1, with PKCE: RFC 7636). Throws {@link ProviderError}. */
export async function startOidc(issuer: OidcIssuer, { redirectUri, scopes, secrets }: OidcStart): Promise<URL> {
  const config = await discover(issuer);
  return client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: scopes.join(' '),
    response_type: 'code',
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(secrets.codeVerifier),
    code_challenge_method: 'S256',
  });
}

/**
 * Exchanges the code and checks all that comes back: state, `iss` of the answer (RFC 9207), nonce, signature, audience and
 * times of the ID token, and that the user info is about the same subject. Throws {@link ProviderError}.
 */
export async function finishOidc(issuer: OidcIssuer, answer: OidcAnswer): Promise<SignInProof> {
  const config = await discover(issuer);
  try {
    const tokens = await client.authorizationCodeGrant(config, answer.callback, {
      expectedState: answer.secrets.state,
      expectedNonce: answer.secrets.nonce,
      pkceCodeVerifier: answer.secrets.codeVerifier,
      idTokenExpected: true,
    });
    const idToken = tokens.claims();
    if (idToken === undefined) throw new ProviderError('not-valid', 'the token response holds no ID token');
    const userInfo =
      config.serverMetadata().userinfo_endpoint === undefined
        ? {}
        : await client.fetchUserInfo(config, tokens.access_token, idToken.sub);
    // What is signed counts before what is not.
    return readProof({ ...userInfo, ...idToken, ...addressOf(idToken, userInfo) }, answer.groupsClaim);
  } catch (error) {
    throw asProviderError(error);
  }
}

/** What can be known of an issuer without signing in. Never throws: the step that fails is the last. */
export async function testOidc(issuer: OidcIssuer): Promise<readonly ProviderTestStep[]> {
  const steps: ProviderTestStep[] = [];
  try {
    const config = await discover(issuer);
    const metadata = config.serverMetadata();
    steps.push({ name: 'discovery', ok: true, message: `${metadata.issuer} answers as itself` });
    if (metadata.authorization_endpoint === undefined || metadata.token_endpoint === undefined)
      throw new ProviderError('not-valid', 'it names no authorization endpoint or no token endpoint');
    const methods = metadata.code_challenge_methods_supported;
    steps.push({
      name: 'pkce',
      ok: methods === undefined || methods.includes('S256'),
      message: methods === undefined ? 'it does not say; S256 is sent anyway' : `it takes ${methods.join(', ')}`,
    });
    const count = await countKeys(metadata.jwks_uri, issuer.issuer);
    steps.push({ name: 'keys', ok: true, message: `${count} ${count === 1 ? 'key' : 'keys'}` });
  } catch (error) {
    const name = ['discovery', 'pkce', 'keys'][steps.length] ?? 'keys';
    steps.push({ name, ok: false, message: asProviderError(error).message });
  }
  return steps;
}

async function countKeys(address: unknown, issuer: string): Promise<number> {
  if (address === undefined) throw new ProviderError('not-valid', 'it names no keys (`jwks_uri`)');
  // What it names is its choice, and this asks from inside of our network.
  if (typeof address !== 'string' || !isSecureAddress(address) || (isHttps(issuer) && !isHttps(address)))
    throw new ProviderError('not-valid', 'the address of its keys (`jwks_uri`) is not reached by HTTPS');
  const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
  const response = await fetchBounded(address, { redirect: 'error', signal });
  // The words of a parser quote what it read, which may be an answer to us alone.
  const body: unknown = await response.json().catch((error: unknown) => {
    if (error instanceof SyntaxError) return null;
    throw error;
  });
  const keys = (body as { keys?: unknown } | null)?.keys;
  if (!response.ok || !Array.isArray(keys) || keys.length === 0)
    throw new ProviderError('not-valid', `its keys cannot be read (HTTP ${response.status})`);
  return keys.length;
}

const isHttps = (address: string): boolean => new URL(address).protocol === 'https:';

/** As `fetch`, of at most as much as any provider has to say: whoever runs one could else fill our memory. */
async function fetchBounded(address: string, options: RequestInit): Promise<Response> {
  const response = await fetch(address, options);
  if (response.body === null) return response;
  let size = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > MAX_ANSWER_BYTES)
        controller.error(new ProviderError('not-valid', 'the provider answers with more than 1 MB'));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(bound), { status, statusText, headers });
}

async function discover({ issuer, clientId, clientSecret }: OidcIssuer): Promise<client.Configuration> {
  if (!isSecureAddress(issuer))
    throw new ProviderError('not-valid', `the issuer \`${issuer}\` is not reached by HTTPS`);
  const server = new URL(issuer);
  // The token endpoint's answer is checked by its signature too, not only by the TLS that it came over.
  const execute = [client.enableNonRepudiationChecks];
  if (server.protocol === 'http:') execute.push(client.allowInsecureRequests);
  try {
    return await client.discovery(
      server,
      clientId,
      { [client.clockTolerance]: CLOCK_SKEW_SECONDS },
      clientSecret === null ? client.None() : clientSecret.reveal(withSecret),
      {
        execute,
        timeout: TIMEOUT_SECONDS,
        [client.customFetch]: (address, options) => fetchBounded(address, options as RequestInit),
      },
    );
  } catch (error) {
    throw asProviderError(error);
  }
}

/** By HTTP Basic, which every server has to take (RFC 6749 2.3.1), unless it says that it takes the form alone. */
function withSecret(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported;
    return (methods?.includes('client_secret_basic') === false ? post : basic)(server, ...rest);
  };
}

const CLOCK_SKEW_SECONDS = 60;

/**
 * The address and whether it is verified, of one source: else the user info of one address would verify another that the ID
 * token says. Many an ID token says the address alone: then the user info's word counts, where it is of that address.
 */
function addressOf(idToken: Claims, userInfo: Claims): Claims {
  const thin = idToken.email_verified === undefined && idToken.email === userInfo.email;
  const { email, email_verified } = idToken.email === undefined || thin ? userInfo : idToken;
  return { email, email_verified };
}

type Claims = Readonly<Record<string, unknown>>;

function readProof(claims: Readonly<Record<string, unknown>>, groupsClaim: string): SignInProof {
  const subject = readText(claims.sub);
  if (subject === null) throw new ProviderError('not-valid', 'the ID token names no usable subject');
  return {
    subject,
    email: readText(claims.email)?.toLowerCase() ?? null,
    emailVerified: claims.email_verified === true,
    name: readText(claims.name) ?? readText(claims.preferred_username),
    groups: readGroups(claimAt(claims, groupsClaim)),
  };
}

/** The claim of that very name; else along the dots of it, as Keycloak nests its roles. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The provider's words come along (`error`, `error_description`, HTTP status); tokens and codes never do. */
function asProviderError(error: unknown): ProviderError {
  // Ours may be what a library gives as the cause of its own.
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof ProviderError) return one;
  if (error instanceof client.AuthorizationResponseError)
    return new ProviderError('refused', `the provider answered \`${error.error}\` ${error.error_description ?? ''}`, {
      cause: error,
    });
  if (error instanceof client.ResponseBodyError)
    return new ProviderError(
      'not-valid',
      `the provider refused the exchange: \`${error.error}\` ${error.error_description ?? ''} (HTTP ${error.status})`,
      { cause: error },
    );
  if (error instanceof client.ClientError) {
    const cause = error.cause instanceof Error ? error.cause : null;
    const why = `${error.message}${error.code === undefined ? '' : ` (${error.code})`}`;
    const unreachable = cause !== null && (cause.name === 'TimeoutError' || cause instanceof TypeError);
    return new ProviderError(unreachable ? 'unreachable' : 'not-valid', why, { cause: error });
  }
  if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return new ProviderError('unreachable', `the provider does not answer${cause}`, { cause: error });
  }
  return new ProviderError('not-valid', error instanceof Error ? error.message : 'the answer is not valid', {
    cause: error,
  });
}
