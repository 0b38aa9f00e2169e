import { oc } from '@orpc/contract';
import { ACTOR_VIAS, IDENTITY_KINDS } from '@taskgate/core';
import * as z from 'zod';
import { Proof } from './passkeys.ts';
import {
  Email,
  GrantState,
  Instant,
  PageQuery,
  PersonRef,
  page,
  RoleName,
  ScopeName,
  ShortText,
  Slug,
} from './shapes.ts';

export const Me = z.object({
  id: z.string(),
  kind: z.enum(IDENTITY_KINDS),
  email: z.string(),
  name: z.string(),
  roles: z.array(RoleName),
  groups: z.array(z.string()),
  scopes: z.array(ScopeName),
  via: z.enum(ACTOR_VIAS),
});
export const WebSession = z.object({
  id: z.string(),
  current: z.boolean(),
  createdAt: Instant,
  lastSeenAt: Instant,
  userAgent: z.string(),
});
export const ApiToken = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(ScopeName),
  owner: z.string(),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
});
export const User = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  groups: z.array(z.string()),
  roles: z.array(RoleName),
  disabledAt: Instant.nullable(),
  createdAt: Instant,
  lastSignInAt: Instant.nullable(),
  passkeys: z.number().int(),
  /** Whether they can sign in with a password here. */
  hasPassword: z.boolean(),
  /** Groups that a provider or the directory put them into, which no admin's hand takes away: by group, from where. */
  givenGroups: z.record(z.string(), z.array(z.string())),
  /** Names of the sign-in providers that know them. */
  providers: z.array(z.string()),
  /** Whether the directory keeps them, by SCIM. */
  inDirectory: z.boolean(),
});
export const Group = z.object({
  id: z.string(),
  name: z.string(),
  roles: z.array(RoleName),
  /** Beyond those of its roles. */
  scopes: z.array(ScopeName),
  /** Of its roles, and not given by this group. */
  withheld: z.array(ScopeName),
  members: z.array(z.object({ id: z.string(), email: z.string(), name: z.string() })),
});
/** What one identity can reach, with the agents that act for it, and what of it is alive now. */
export const Reach = z.object({
  identity: PersonRef.extend({ disabledAt: Instant.nullable(), actsFor: PersonRef.nullable() }),
  /** Why the caller may not end it; `null`: they may. */
  whyNotOffboard: z.string().nullable(),
  groups: z.array(z.string()),
  roles: z.array(RoleName),
  scopes: z.array(ScopeName),
  tasks: z.array(
    z.object({
      name: z.string(),
      resource: z.string(),
      /** Groups that open it, or `by name`. */ by: z.array(z.string()),
    }),
  ),
  resources: z.array(z.string()),
  agents: z.array(PersonRef),
  /** `null` for who may not change people, as the sign-ins are. */
  apiTokens: z
    .array(
      z.object({ id: z.string(), name: z.string(), owner: PersonRef, scopes: z.array(ScopeName), expiresAt: Instant }),
    )
    .nullable(),
  /** Directory tokens that they made. */
  scimTokens: z
    .array(z.object({ id: z.string(), name: z.string(), adopts: z.boolean(), expiresAt: Instant }))
    .nullable(),
  webSessions: z.array(z.object({ id: z.string(), lastSeenAt: Instant, userAgent: z.string() })).nullable(),
  grants: z.array(
    z.object({ id: z.string(), task: z.string(), owner: PersonRef, state: GrantState, expiresAt: Instant.nullable() }),
  ),
  sessions: z.array(
    z.object({ id: z.string(), task: z.string(), resource: z.string(), owner: PersonRef, startedAt: Instant }),
  ),
  holds: z.array(z.object({ id: z.string(), task: z.string(), owner: PersonRef, createdAt: Instant })),
  /** What waits for their answer. It is not ended: others may answer, or `others` is 0. */
  asked: z.array(
    z.object({
      kind: z.enum(['grant', 'hold']),
      id: z.string(),
      task: z.string(),
      requestedBy: PersonRef,
      others: z.number().int(),
    }),
  ),
});
/** What an offboarding ended. */
export const Offboarded = z.object({
  /** Under this id the audit has all of it. */
  actId: z.string(),
  identity: PersonRef,
  groups: z.array(z.string()),
  agents: z.array(PersonRef),
  webSessions: z.number().int(),
  apiTokens: z.number().int(),
  scimTokens: z.number().int(),
  grants: z.array(z.object({ id: z.string(), task: z.string(), owner: PersonRef })),
  /** Live connections to databases: each is cut by its gateway within a second. */
  sessions: z.number().int(),
  holds: z.number().int(),
});
/** Who may do what on the control plane. */
export const Access = z.object({
  scopes: z.array(z.object({ name: ScopeName, words: z.string() })),
  roles: z.array(z.object({ name: RoleName, scopes: z.array(ScopeName) })),
  groups: z.array(
    z.object({
      name: z.string(),
      roles: z.array(RoleName),
      /** All that it gives. */
      scopes: z.array(ScopeName),
      added: z.array(ScopeName),
      withheld: z.array(ScopeName),
      members: z.number().int(),
    }),
  ),
  /** Who is enabled and has anything, up to 500. */
  people: z.array(z.object({ person: PersonRef, groups: z.array(z.string()), scopes: z.array(ScopeName) })),
});
const Password = z.string().min(10).max(200);

export const people = {
  login: oc
    .route({ method: 'POST', path: '/login', summary: 'Exchange e-mail and password for an API token (the CLI)' })
    .input(z.object({ email: Email, password: z.string().min(1).max(200), name: ShortText.default('cli') }))
    .output(z.object({ token: z.string(), expiresAt: Instant, me: Me })),
  me: oc.route({ method: 'GET', path: '/me' }).output(Me),
  webSessions: oc.route({ method: 'GET', path: '/me/web-sessions' }).output(z.array(WebSession)),
  endWebSession: oc
    .route({ method: 'DELETE', path: '/me/web-sessions/{id}' })
    .input(z.object({ id: z.string() }))
    .output(z.object({ ended: z.boolean() })),
  changePassword: oc
    .route({ method: 'POST', path: '/me/password' })
    .input(z.object({ current: z.string().min(1).max(200), next: Password }))
    .output(z.object({ changed: z.literal(true) })),
  apiTokens: oc.route({ method: 'GET', path: '/api-tokens' }).output(z.array(ApiToken)),
  createApiToken: oc
    .route({ method: 'POST', path: '/api-tokens' })
    .input(
      z.object({
        name: ShortText,
        scopes: z.array(ScopeName).min(1),
        ttlMs: z
          .number()
          .int()
          .min(60_000)
          .max(366 * 86_400_000),
      }),
    )
    .output(z.object({ apiToken: ApiToken, /** Shown once. */ token: z.string() })),
  revokeApiToken: oc
    .route({ method: 'DELETE', path: '/api-tokens/{id}' })
    .input(z.object({ id: z.string() }))
    .output(ApiToken),
  users: oc
    .route({ method: 'GET', path: '/users' })
    .input(PageQuery.extend({ q: z.string().max(100).optional() }))
    .output(page(User)),
  createUser: oc
    .route({ method: 'POST', path: '/users' })
    .input(
      z.object({
        email: Email,
        name: ShortText,
        groups: z.array(Slug),
        /** Missing: they sign in at a provider. */ password: Password.optional(),
        /** With a password: that it is the caller who sets it. */ proof: Proof.optional(),
      }),
    )
    .output(User),
  updateUser: oc
    .route({ method: 'PATCH', path: '/users/{id}' })
    .input(
      z.object({
        id: z.string(),
        name: ShortText.optional(),
        groups: z.array(Slug).optional(),
        password: Password.optional(),
        /** With a password: that it is the caller who sets it. */ proof: Proof.optional(),
        disabled: z.boolean().optional(),
      }),
    )
    .output(User),
  endUserSessions: oc
    .route({ method: 'POST', path: '/users/{id}/end-sessions', summary: 'Sign a person out everywhere' })
    .input(z.object({ id: z.string() }))
    .output(z.object({ ended: z.number().int() })),
  reach: oc
    .route({ method: 'GET', path: '/people/{id}/reach', summary: 'All that an identity can reach, and what is alive' })
    .input(z.object({ id: z.string().max(60) }))
    .output(Reach),
  offboard: oc
    .route({
      method: 'POST',
      path: '/people/{id}/offboard',
      summary: 'Disable an identity and end all that is its own',
    })
    .input(z.object({ id: z.string().max(60), reason: ShortText }))
    .output(Offboarded),
  access: oc
    .route({ method: 'GET', path: '/access', summary: 'Which role and group gives what, and who has it' })
    .output(Access),
  groups: oc.route({ method: 'GET', path: '/groups' }).output(z.array(Group)),
  createGroup: oc
    .route({ method: 'POST', path: '/groups' })

    .input(
      z.object({
        name: Slug,
        roles: z.array(RoleName),
        scopes: z.array(ScopeName).default([]),
        withheld: z.array(ScopeName).default([]),
      }),
    )
    .output(Group),
  updateGroup: oc
    .route({ method: 'PATCH', path: '/groups/{name}' })

    .input(
      z.object({
        name: Slug,
        roles: z.array(RoleName).optional(),
        scopes: z.array(ScopeName).optional(),
        withheld: z.array(ScopeName).optional(),
        members: z.array(Email).optional(),
      }),
    )
    .output(Group),
};
