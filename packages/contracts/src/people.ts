import { oc } from '@orpc/contract';
import { ACTOR_VIAS, IDENTITY_KINDS } from '@taskgate/core';
import * as z from 'zod';
import { Email, Instant, PageQuery, page, RoleName, ScopeName, ShortText, Slug } from './shapes.ts';

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
  members: z.array(z.object({ id: z.string(), email: z.string(), name: z.string() })),
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
        disabled: z.boolean().optional(),
      }),
    )
    .output(User),
  endUserSessions: oc
    .route({ method: 'POST', path: '/users/{id}/end-sessions', summary: 'Sign a person out everywhere' })
    .input(z.object({ id: z.string() }))
    .output(z.object({ ended: z.number().int() })),
  groups: oc.route({ method: 'GET', path: '/groups' }).output(z.array(Group)),
  createGroup: oc
    .route({ method: 'POST', path: '/groups' })
    .input(z.object({ name: Slug, roles: z.array(RoleName) }))
    .output(Group),
  updateGroup: oc
    .route({ method: 'PATCH', path: '/groups/{name}' })
    .input(z.object({ name: Slug, roles: z.array(RoleName).optional(), members: z.array(Email).optional() }))
    .output(Group),
};
