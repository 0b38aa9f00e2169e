/** Who may hold a grant: a person, a machine (a CI job, a service), or an agent, which acts for one of these. */
export const IDENTITY_KINDS = ['person', 'machine', 'agent'] as const;
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

/** How a caller of the API showed who it is. */
export const ACTOR_VIAS = ['session', 'api-token', 'token-exchange', 'grant-token'] as const;
export type ActorVia = (typeof ACTOR_VIAS)[number];
