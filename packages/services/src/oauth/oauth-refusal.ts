import type { Problem } from '@taskgate/core';

/** Error codes of RFC 6749 (section 5.2), RFC 8628 (section 3.5) and RFC 8693 (section 2.2.2). */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_grant'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'temporarily_unavailable';

/** A token that is not given, in OAuth's own words. `description` is for the person who reads the log of the job. */
export class OAuthRefusal extends Error {
  readonly error: OAuthError;
  readonly description: string;
  /** Members of the answer beyond the standard ones. */
  readonly more: { readonly grant_id?: string; readonly problems?: readonly Problem[]; readonly code?: string };

  constructor(error: OAuthError, description: string, more: OAuthRefusal['more'] = {}) {
    super(`${error}: ${description}`);
    this.name = 'OAuthRefusal';
    this.error = error;
    this.description = description;
    this.more = more;
  }
}
