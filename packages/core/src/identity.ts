/** Who may hold a grant: a person, a machine (a CI job, a service), or an agent, which acts for one of these. */
export const IDENTITY_KINDS = ['person', 'machine', 'agent'] as const;
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

/** How a caller of the API showed who it is. */
export const ACTOR_VIAS = ['session', 'api-token', 'token-exchange', 'grant-token'] as const;
export type ActorVia = (typeof ACTOR_VIAS)[number];

/**
 * Why a sign-in at a provider came to nothing, as the person is told. `docs/sign-in.md` says of each what to do; the whole
 * reason is in the audit, under the reference that they are given.
 */
export const SIGN_IN_REFUSALS = [
  'no-such-provider',
  'provider-unreachable',
  'provider-refused',
  'answer-not-valid',
  'started-elsewhere',
  'too-late',
  'not-known-here',
  'disabled',
  'too-many',
  'internal',
] as const;
export type SignInRefusal = (typeof SIGN_IN_REFUSALS)[number];

/** Whether a provider's word for an e-mail address links who signs in there to a person who is here already. */
export const EMAIL_TRUSTS = ['never', 'verified', 'always'] as const;
export type EmailTrust = (typeof EMAIL_TRUSTS)[number];
