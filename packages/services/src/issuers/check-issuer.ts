import { type IssuerKind, type KeySource, type Problem, TaskgateError } from '@taskgate/core';
import { FetchError, readKeySet, urlProblem } from '@taskgate/identity';

export interface IssuerSettings {
  readonly kind: IssuerKind;
  readonly url: string;
  readonly keySource: KeySource;
  readonly jwksUrl: string | null;
  readonly jwks: unknown;
  readonly privateNetwork: boolean;
}

/** What of an issuer does not fit together. Throws `bad-input`, saying which field. */
export function requireUsableIssuer(issuer: IssuerSettings): void {
  const problems: Problem[] = [];
  const say = (path: string, message: string | null): void => {
    if (message !== null) problems.push({ path, message, position: null });
  };
  if (issuer.kind === 'spiffe') {
    if (!/^spiffe:\/\/[a-z0-9._-]{1,255}$/.test(issuer.url))
      say('url', 'give the trust domain, such as `spiffe://example.org`');
    if (issuer.keySource === 'discovery')
      say('keySource', 'a trust domain has no discovery: give its bundle’s address, or its keys');
  } else if (issuer.keySource === 'discovery') say('url', urlProblem(issuer.url, issuer.privateNetwork));
  // What is not asked for anything is only compared: Kubernetes calls itself by names that resolve nowhere else.
  else if (!URL.canParse(issuer.url)) say('url', 'give what `iss` of its tokens says, letter by letter');
  if (issuer.kind === 'oidc') say('url', sharedProvider(issuer.url));
  if (issuer.keySource === 'url')
    say(
      'jwksUrl',
      issuer.jwksUrl === null ? 'say where its keys are' : urlProblem(issuer.jwksUrl, issuer.privateNetwork),
    );
  if (issuer.keySource === 'keys') say('jwks', keysProblem(issuer.jwks, issuer.kind));
  const [first] = problems;
  if (first) throw new TaskgateError('bad-input', `\`${first.path}\` is not valid: ${first.message}`, { problems });
}

/** Under another name it would go without the rules that keep strangers out. */
function sharedProvider(url: string): string | null {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (host === 'token.actions.githubusercontent.com') return 'this is GitHub Actions: choose that kind';
  return host === 'gitlab.com' ? 'this is GitLab: choose that kind' : null;
}

function keysProblem(jwks: unknown, kind: IssuerKind): string | null {
  try {
    readKeySet(jwks, kind);
    return null;
  } catch (error) {
    if (error instanceof FetchError) return error.message;
    throw error;
  }
}

/** Only what is used of the settings is kept: an address of keys that were pasted over would say something untrue. */
export const keptKeyFields = (issuer: IssuerSettings) => ({
  jwksUrl: issuer.keySource === 'url' ? issuer.jwksUrl : null,
  jwks: issuer.keySource === 'keys' ? (issuer.jwks as object) : null,
});
