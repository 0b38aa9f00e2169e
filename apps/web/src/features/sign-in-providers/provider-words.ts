import type { EmailTrust } from '@taskgate/core';

export const KIND_WORDS = { oidc: 'OpenID Connect', saml: 'SAML 2.0' } as const;

export const TRUST_WORDS: Record<EmailTrust, string> = {
  never: 'never: only who signed in by it before is known',
  verified: 'if the provider says it has verified the address',
  always: 'always: this provider answers for every address it names',
};
