import { oc } from '@orpc/contract';
import { BUDGET_DIMENSIONS } from '@taskgate/core';
import * as z from 'zod';
import {
  GrantEndReason,
  GrantState,
  Instant,
  MaskName,
  PageQuery,
  PersonRef,
  page,
  Reason,
  RelationSummary,
  ShortText,
  Slug,
} from './shapes.ts';

export const Approval = z.object({
  by: PersonRef,
  at: Instant,
  outcome: z.enum(['approved', 'refused']),
  comment: z.string().nullable(),
  ttlMs: z.number().int().nullable(),
});
export const Grant = z.object({
  id: z.string(),
  task: z.string(),
  taskRevision: z.number().int(),
  purpose: z.string(),
  resource: z.string(),
  requestedBy: PersonRef,
  reason: z.string().nullable(),
  ticket: z.string().nullable(),
  state: GrantState,
  endReason: GrantEndReason.nullable(),
  endedBy: PersonRef.nullable(),
  ttlMs: z.number().int(),
  approvalsNeeded: z.number().int(),
  approvers: z.array(z.string()),
  approvals: z.array(Approval),
  requestedAt: Instant,
  requestExpiresAt: Instant,
  activatedAt: Instant.nullable(),
  expiresAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  sessions: z.number().int(),
  /** What was used of each dimension that a gateway has counted. `duration` in milliseconds; no `limit`: counted alone. */
  budget: z.array(
    z.object({
      dimension: z.enum(BUDGET_DIMENSIONS),
      limit: z.number().int().nullable(),
      used: z.number().int(),
      /** Held by gateways, which report what they use of it every few seconds. */
      reserved: z.number().int(),
    }),
  ),
  /** What the caller may do with it now; else why not, for a disabled button. */
  actions: z.record(
    z.enum(['approve', 'refuse', 'activate', 'end', 'console']),
    z.object({ allowed: z.boolean(), why: z.string().nullable() }),
  ),
});
/** How each client connects; none of these strings holds the token. */
export const ConnectStrings = z.object({
  host: z.string(),
  port: z.number().int(),
  user: z.string(),
  database: z.string(),
  psql: z.string(),
  uri: z.string(),
  jdbc: z.string(),
  env: z.string(),
});
export const Activation = z.object({ grant: Grant, /** Shown once. */ token: z.string(), connect: ConnectStrings });

const ById = z.object({ id: z.string().max(60) });
export const grants = {
  list: oc
    .route({ method: 'GET', path: '/grants' })
    .input(PageQuery.extend({ mine: z.stringbool().optional(), state: GrantState.optional(), task: Slug.optional() }))
    .output(page(Grant)),
  get: oc.route({ method: 'GET', path: '/grants/{id}' }).input(ById).output(Grant),
  request: oc
    .route({ method: 'POST', path: '/grants' })
    .input(
      z.object({
        task: Slug,
        reason: ShortText.nullable().default(null),
        ticket: z.string().trim().max(100).nullable().default(null),
        ttlMs: z.number().int().min(10_000).nullable().default(null),
      }),
    )
    .output(Grant),
  approve: oc
    .route({ method: 'POST', path: '/grants/{id}/approve' })
    .input(
      ById.extend({
        ttlMs: z.number().int().min(10_000).nullable().default(null),
        comment: z.string().trim().max(500).nullable().default(null),
      }),
    )
    .output(Grant),
  refuse: oc
    .route({ method: 'POST', path: '/grants/{id}/refuse' })
    .input(ById.extend({ reason: ShortText }))
    .output(Grant),
  activate: oc.route({ method: 'POST', path: '/grants/{id}/activate' }).input(ById).output(Activation),
  end: oc.route({ method: 'POST', path: '/grants/{id}/end' }).input(ById).output(Grant),
  connect: oc
    .route({ method: 'GET', path: '/tasks/{task}/connect' })
    .input(z.object({ task: Slug }))
    .output(ConnectStrings),
  /** A one-time ticket for the console's WebSocket, good for 30 s. */
  openConsole: oc
    .route({ method: 'POST', path: '/grants/{id}/console' })
    .input(ById)
    .output(z.object({ ticket: z.string(), url: z.string() })),
};

const SampledValues = z.array(z.string().nullable());
/** Some of the rows that a held write changes, masked as the task's own reads are. */
const ChangeSample = z.object({
  columns: z.array(z.object({ name: z.string(), mask: MaskName.nullable() })),
  /** `before` is `null` of a row that was not there, `after` of one that is gone. */
  rows: z.array(z.object({ before: SampledValues.nullable(), after: SampledValues.nullable() })),
  /** Why there are no rows, or what is left out. */
  note: z.string().nullable(),
});
export const Hold = z.object({
  id: z.string(),
  decisionId: z.string(),
  sessionId: z.string(),
  grantId: z.string(),
  task: z.string(),
  taskRevision: z.number().int(),
  resource: z.string(),
  requestedBy: PersonRef,
  grantReason: z.string().nullable(),
  ticket: z.string().nullable(),
  statement: z.string(),
  parameters: z.array(z.string().nullable()),
  /** SHA-256 of what an approval binds to, hex. */
  binding: z.string(),
  statementClass: z.string(),
  relations: z.array(RelationSummary),
  reasons: z.array(Reason),
  affectsMax: z.number().int().nullable(),
  /** Rows that the target's planner expects it to return or write, and to read; `null`: not known. */
  estimate: z.object({ rows: z.number().int(), scanned: z.number().int() }).nullable(),
  /** What it did in a dry run that was rolled back, where its task wants one; `rows` is `null` where it failed. */
  dryRun: z
    .object({
      rows: z.number().int().nullable(),
      sqlstate: z.string().nullable(),
      /** Messages that triggers and functions raised. */
      notices: z.number().int(),
      /** `null`: withheld from the caller, or not taken. */
      sample: ChangeSample.nullable(),
    })
    .nullable(),
  state: z.enum(['waiting', 'approved', 'refused', 'timed-out', 'cancelled']),
  approvers: z.array(z.string()),
  approvalsNeeded: z.number().int(),
  approvals: z.array(Approval),
  createdAt: Instant,
  expiresAt: Instant,
  endedAt: Instant.nullable(),
  /** After approval: when the statement was let through. */
  redeemedAt: Instant.nullable(),
  history: z.object({ grants90d: z.number().int(), refused90d: z.number().int() }),
  actions: z.record(
    z.enum(['approve', 'refuse', 'cancel']),
    z.object({ allowed: z.boolean(), why: z.string().nullable() }),
  ),
});
export const holds = {
  get: oc.route({ method: 'GET', path: '/holds/{id}' }).input(ById).output(Hold),
  approve: oc
    .route({ method: 'POST', path: '/holds/{id}/approve' })
    /** `binding` is the one shown: an approval of anything else is refused. */
    .input(
      ById.extend({ binding: z.string().length(64), comment: z.string().trim().max(500).nullable().default(null) }),
    )
    .output(Hold),
  refuse: oc
    .route({ method: 'POST', path: '/holds/{id}/refuse' })
    .input(ById.extend({ reason: ShortText }))
    .output(Hold),
  cancel: oc.route({ method: 'POST', path: '/holds/{id}/cancel' }).input(ById).output(Hold),
};

export const InboxItem = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('grant'), id: z.string(), at: Instant, grant: Grant }),
  z.object({ kind: z.literal('hold'), id: z.string(), at: Instant, hold: Hold }),
]);
export const inbox = {
  /** `mine`: I can decide it; `waiting`: mine, waiting on others; `done`: decided or ended, that I may see. */
  list: oc
    .route({ method: 'GET', path: '/inbox' })
    .input(PageQuery.extend({ view: z.enum(['mine', 'waiting', 'done']).default('mine') }))
    .output(page(InboxItem).extend({ counts: z.object({ mine: z.number().int(), waiting: z.number().int() }) })),
};
