import { oc } from '@orpc/contract';
import * as z from 'zod';
import { Instant, Slug } from './shapes.ts';

export const TlsMode = z.enum(['disable', 'require', 'verify-ca', 'verify-full']);
export const Labels = z.record(z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/), z.string().max(100));
/** Whether each grant gets a role of its own at the target: where the credential can, always, or never. */
export const Principals = z.enum(['when-possible', 'per-grant', 'none']);
const Finding = z.object({
  what: z.string(),
  /** SQL that changes it, for whoever may; `null`: there is none. */
  script: z.string().nullable(),
});
/** What the target itself holds a grant to, as last looked at. */
export const WallTwo = z.object({
  /** `partial`: each grant has its own role, and the target gives more than that to everybody. */
  state: z.enum(['whole', 'partial', 'missing']),
  checkedAt: Instant,
  /** Rights that the credential needs and lacks. */
  lacking: z.array(Finding),
  /** What the target gives to everybody. */
  open: z.array(Finding),
});
export const Resource = z.object({
  id: z.string(),
  name: z.string(),
  type: z.literal('postgres'),
  host: z.string(),
  port: z.number().int(),
  database: z.string(),
  tlsMode: TlsMode,
  tlsCa: z.string().nullable(),
  labels: Labels,
  /** The credential's user name; its secret never leaves the vault. */
  username: z.string(),
  principals: Principals,
  /** `null`: not looked at yet. */
  wallTwo: WallTwo.nullable(),
  credentialSetAt: Instant,
  rotation: z.object({
    /** `null`: only when somebody asks. */
    everyMs: z.number().int().nullable(),
    /** When the gate sets the next password; after a failure, when it tries again. */
    nextAt: Instant.nullable(),
    /** When it last did. */
    rotatedAt: Instant.nullable(),
    /** The last attempt, where it failed: the password of before is still in use. */
    failure: z.object({ at: Instant, message: z.string() }).nullable(),
  }),
  catalog: z
    .object({ version: z.string(), readAt: Instant, relations: z.number().int(), serverVersion: z.number().int() })
    .nullable(),
  tasks: z.array(z.string()),
  policies: z.array(z.string()),
  createdAt: Instant,
  updatedAt: Instant,
});
const HOUR_MS = 3_600_000;
const Secret = z.string().min(1).max(4096);
const Editable = z.object({
  host: z.string().trim().min(1).max(253),
  port: z.number().int().min(1).max(65_535),
  database: z.string().min(1).max(63),
  tlsMode: TlsMode,
  tlsCa: z.string().max(65_536).nullable(),
  labels: Labels,
  username: z.string().min(1).max(63),
  principals: Principals,
  rotateMs: z
    .number()
    .int()
    .min(HOUR_MS)
    .max(3650 * 24 * HOUR_MS)
    .nullable(),
});
// Defaults only where something new is made: in an update one would overwrite what is kept, such as the labels that
// policies apply by.
const Defaults = {
  tlsCa: Editable.shape.tlsCa.default(null),
  labels: Labels.default({}),
  principals: Principals.default('when-possible'),
  rotateMs: Editable.shape.rotateMs.default(null),
};
export const ResourceTestResult = z.object({
  ok: z.boolean(),
  steps: z.array(
    z.object({
      name: z.enum(['connect', 'tls', 'authenticate', 'catalog', 'principals']),
      ok: z.boolean(),
      message: z.string(),
      durationMs: z.number(),
    }),
  ),
  serverVersion: z.number().int().nullable(),
  wallTwo: WallTwo.nullable(),
});
/** How a rotation went. What fails at the target is a step that failed; the password of before goes on. */
export const Rotation = z.object({
  ok: z.boolean(),
  steps: z.array(
    z.object({
      name: z.enum(['connect', 'set', 'try', 'keep']),
      ok: z.boolean(),
      message: z.string(),
      durationMs: z.number(),
    }),
  ),
});
export const CatalogSummary = z.object({
  version: z.string(),
  relations: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      kind: z.string(),
      columns: z.array(z.object({ name: z.string(), typeName: z.string() })),
    }),
  ),
});

export const resources = {
  list: oc.route({ method: 'GET', path: '/resources' }).output(z.array(Resource)),
  get: oc
    .route({ method: 'GET', path: '/resources/{name}' })
    .input(z.object({ name: Slug }))
    .output(Resource),
  create: oc
    .route({ method: 'POST', path: '/resources' })
    .input(
      Editable.extend({ ...Defaults, name: Slug, type: z.literal('postgres').default('postgres'), secret: Secret }),
    )
    .output(Resource),
  update: oc
    .route({ method: 'PATCH', path: '/resources/{name}' })
    .input(Editable.partial().extend({ name: Slug, /** Replaces the sealed one. */ secret: Secret.optional() }))
    .output(Resource),
  /** With values: tries them before they are saved (the stored secret where none is given). Without: tries what is stored. */
  test: oc
    .route({ method: 'POST', path: '/resources/{name}/test' })
    .input(Editable.partial().extend({ name: Slug, secret: Secret.optional() }))
    .output(ResourceTestResult),
  rotate: oc
    .route({ method: 'POST', path: '/resources/{name}/rotate', summary: 'Set a new password at the target, now' })
    .input(z.object({ name: Slug }))
    .output(Rotation),
  catalog: oc
    .route({ method: 'GET', path: '/resources/{name}/catalog' })
    .input(z.object({ name: Slug }))
    .output(CatalogSummary),
  refreshCatalog: oc
    .route({ method: 'POST', path: '/resources/{name}/catalog' })
    .input(z.object({ name: Slug }))
    .output(CatalogSummary),
};
