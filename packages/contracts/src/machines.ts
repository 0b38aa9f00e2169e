import { oc } from '@orpc/contract';
import { ISSUER_KINDS, KEY_SOURCES, MAX_CLAIM_PATTERNS, MAX_PATTERN_LENGTH } from '@taskgate/core';
import * as z from 'zod';
import { Email, Instant, PersonRef, ScopeName, ShortText, Slug } from './shapes.ts';

const DAY_MS = 86_400_000;
export const STATIC_SECRET_DEFAULT_MS = 30 * DAY_MS;
export const STATIC_SECRET_MAX_MS = 90 * DAY_MS;

export const Issuer = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(ISSUER_KINDS),
  /** What `iss` says, exactly; of SPIFFE the trust domain. */
  url: z.string(),
  audience: z.string(),
  keySource: z.enum(KEY_SOURCES),
  jwksUrl: z.string().nullable(),
  jwks: z.unknown(),
  skewMs: z.number().int(),
  maxLifetimeMs: z.number().int(),
  singleUse: z.boolean(),
  privateNetwork: z.boolean(),
  disabledAt: Instant.nullable(),
  createdAt: Instant,
  /** Machines and agents that are bound to it. */
  bound: z.number().int(),
});

const Url = z.string().trim().min(1).max(500);
const Audience = z.string().trim().min(1).max(300);
const IssuerFields = z.object({
  audience: Audience,
  keySource: z.enum(KEY_SOURCES),
  jwksUrl: Url.nullable(),
  /** A JSON Web Key Set, as an object. */
  jwks: z.record(z.string(), z.unknown()).nullable(),
  skewMs: z.number().int().min(0).max(300_000),
  maxLifetimeMs: z.number().int().min(60_000).max(DAY_MS),
  singleUse: z.boolean(),
  privateNetwork: z.boolean(),
});

export const IssuerKeysReport = z.object({
  from: z.string().nullable(),
  keys: z.array(z.object({ kid: z.string().nullable(), type: z.string(), algorithm: z.string().nullable() })),
});

export const ClaimPatternItem = z.object({
  claim: z.string().trim().min(1).max(200),
  pattern: z.string().min(1).max(MAX_PATTERN_LENGTH),
});
const Claims = z.array(ClaimPatternItem).max(MAX_CLAIM_PATTERNS);

/** How tokens of an issuer show that they are this machine. */
const ProofInput = z.object({ issuer: Slug, audience: Audience.nullable().default(null), claims: Claims });

export const MachineKind = z.enum(['machine', 'agent']);
export const StaticSecret = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(ScopeName),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Instant.nullable(),
});
/** A machine or an agent. */
export const Machine = z.object({
  id: z.string(),
  kind: MachineKind,
  name: z.string(),
  /** Of an agent. */
  actsFor: PersonRef.nullable(),
  /** What it may activate; `named`: whether the own `who` of the task or workflow names it, without which it may not. */
  tasks: z.array(z.object({ name: z.string(), workflow: z.boolean(), exists: z.boolean(), named: z.boolean() })),
  /** `null`: no issuer vouches for it. */
  proof: z
    .object({
      issuer: z.object({ name: z.string(), kind: z.enum(ISSUER_KINDS), url: z.string(), disabled: z.boolean() }),
      /** `null`: the issuer's. */
      audience: z.string().nullable(),
      claims: z.array(ClaimPatternItem),
      lastUsedAt: Instant.nullable(),
      warnings: z.array(z.string()),
    })
    .nullable(),
  /** Those that still count. */
  secrets: z.array(StaticSecret),
  activeGrants: z.number().int(),
  disabledAt: Instant.nullable(),
  createdAt: Instant,
});

export const TokenTrial = z.object({
  /** What the token says of itself, whether true or not. */
  claims: z.record(z.string(), z.unknown()).nullable(),
  /** The issuer's signature, audience and times: whether the token would be believed. */
  genuine: z.object({ ok: z.boolean(), code: z.string().nullable(), detail: z.string() }),
  verdicts: z.array(
    z.object({ claim: z.string(), pattern: z.string(), matches: z.boolean(), given: z.string().nullable() }),
  ),
  /** Genuine, and every claim matches. */
  accepted: z.boolean(),
});

const Tasks = z.array(Slug).max(100);

export const issuers = {
  list: oc.route({ method: 'GET', path: '/issuers' }).output(z.array(Issuer)),
  create: oc
    .route({ method: 'POST', path: '/issuers' })
    .input(IssuerFields.extend({ name: Slug, kind: z.enum(ISSUER_KINDS), url: Url }))
    .output(Issuer),
  update: oc
    .route({ method: 'PATCH', path: '/issuers/{name}' })
    .input(IssuerFields.partial().extend({ name: Slug, disabled: z.boolean().optional() }))
    .output(Issuer),
  checkKeys: oc
    .route({ method: 'POST', path: '/issuers/{name}/check-keys', summary: 'Fetch the keys of an issuer now' })
    .input(z.object({ name: Slug }))
    .output(IssuerKeysReport),
};

export const machines = {
  list: oc
    .route({ method: 'GET', path: '/machines', summary: 'Machines and agents' })
    .input(z.object({ kind: MachineKind.optional() }))
    .output(z.array(Machine)),
  get: oc
    .route({ method: 'GET', path: '/machines/{id}' })
    .input(z.object({ id: z.string() }))
    .output(Machine),
  create: oc
    .route({ method: 'POST', path: '/machines' })
    .input(
      z.object({
        kind: MachineKind,
        name: Slug,
        /** Of an agent: a person's e-mail address, or the name of a machine. */
        actsFor: z.union([Email, Slug]).nullable().default(null),
        tasks: Tasks,
        proof: ProofInput.nullable(),
      }),
    )
    .output(Machine),
  update: oc
    .route({ method: 'PATCH', path: '/machines/{id}' })
    .input(
      z.object({
        id: z.string(),
        tasks: Tasks.optional(),
        /** `null` takes it away. */
        proof: ProofInput.nullable().optional(),
        disabled: z.boolean().optional(),
      }),
    )
    .output(Machine),
  tryToken: oc
    .route({
      method: 'POST',
      path: '/machines/try-token',
      summary: 'Say of a token whether it would be believed, and claim by claim whether it matches; it is kept nowhere',
    })
    .input(
      z.object({
        issuer: Slug,
        audience: Audience.nullable().default(null),
        claims: Claims,
        token: z.string().max(20_000),
      }),
    )
    .output(TokenTrial),
  createSecret: oc
    .route({ method: 'POST', path: '/machines/{id}/secrets', summary: 'A static secret: where no issuer can vouch' })
    .input(
      z.object({
        id: z.string(),
        name: ShortText,
        ttlMs: z.number().int().min(60_000).max(STATIC_SECRET_MAX_MS).default(STATIC_SECRET_DEFAULT_MS),
      }),
    )
    .output(z.object({ secret: StaticSecret, /** Shown once. */ token: z.string() })),
  rotateSecret: oc
    .route({ method: 'POST', path: '/machines/{id}/secrets/{secretId}/rotate' })
    .input(
      z.object({
        id: z.string(),
        secretId: z.string(),
        /** How long the old one goes on, at most until its own end. */
        overlapMs: z
          .number()
          .int()
          .min(0)
          .max(7 * DAY_MS),
      }),
    )
    .output(z.object({ secret: StaticSecret, /** Shown once. */ token: z.string() })),
  revokeSecret: oc
    .route({ method: 'DELETE', path: '/machines/{id}/secrets/{secretId}' })
    .input(z.object({ id: z.string(), secretId: z.string() }))
    .output(Machine),
};
