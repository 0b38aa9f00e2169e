import { oc } from '@orpc/contract';
import { BUDGET_DIMENSIONS } from '@taskgate/core';
import * as z from 'zod';
import { Assertion, RequestOptions } from './passkeys.ts';
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
  id: z.string(),
  by: PersonRef,
  at: Instant,
  outcome: z.enum(['approved', 'refused']),
  comment: z.string().nullable(),
  ttlMs: z.number().int().nullable(),
  /** Name of the passkey that signed it; `null`: not signed. The signature is `GET /approvals/{id}`. */
  signedBy: z.string().nullable(),
});
export const Grant = z.object({
  id: z.string(),
  /** What it is of: a task's revision, or a workflow's; the other two are null. */
  task: z.string().nullable(),
  taskRevision: z.number().int().nullable(),
  workflow: z.string().nullable(),
  workflowRevision: z.number().int().nullable(),
  purpose: z.string(),
  /** Of a task's grant. */
  resource: z.string().nullable(),
  parentId: z.string().nullable(),
  /** The tree that it stands in: its own id where it has no parent. */
  root: z.object({ id: z.string(), name: z.string(), requestedBy: PersonRef }),
  /** 0 at the root. */
  depth: z.number().int(),
  /** Of a child of a workflow's grant: which step it is. */
  step: z.string().nullable(),
  /** In what it is narrower than its parent, or a step than its task, in words. */
  narrowed: z.array(z.object({ dimension: z.string(), what: z.string(), before: z.string(), after: z.string() })),
  requestedBy: PersonRef,
  reason: z.string().nullable(),
  ticket: z.string().nullable(),
  state: GrantState,
  endReason: GrantEndReason.nullable(),
  endedBy: PersonRef.nullable(),
  /** Of the command that it was for, where whoever ended it said so. */
  exitCode: z.number().int().nullable(),
  ttlMs: z.number().int(),
  approvalsNeeded: z.number().int(),
  approvers: z.array(z.string()),
  approvals: z.array(Approval),
  /** What needs a passkey. */
  stepUp: z.enum(['none', 'activation', 'approval', 'both']),
  /** Whether its owner has confirmed its activation with a passkey, not longer than five minutes ago. */
  confirmed: z.boolean(),
  requestedAt: Instant,
  requestExpiresAt: Instant,
  activatedAt: Instant.nullable(),
  expiresAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  sessions: z.number().int(),
  /** What was used, here and in all grants below it, of each dimension that a gateway has counted or that has a limit. `duration` in milliseconds; no `limit`: counted alone. */
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
    z.enum(['approve', 'refuse', 'activate', 'end', 'console', 'mint']),
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
export const Activation = z.object({
  grant: Grant,
  /** Shown once. */
  token: z.string(),
  /** `null` for a workflow's grant, which opens nothing itself. */
  connect: ConnectStrings.nullable(),
});
/** A child: with its token, or waiting for the approval that its step's task needs. */
export const Minted = z.object({ grant: Grant, token: z.string().nullable(), connect: ConnectStrings.nullable() });

const Rules = z.array(z.record(z.string().max(40), z.unknown())).max(200);
/**
 * How a child is narrower, each part in the shape that a task's document has. Where `allow` or `hold` is given, the child
 * has exactly the permissions given; `deny` and `mask` come on top of the parent's; of each limit the smaller one holds.
 */
export const Narrowing = z.strictObject({
  allow: Rules.optional(),
  hold: Rules.optional(),
  deny: Rules.optional(),
  mask: Rules.optional(),
  limits: z.record(z.string().max(40), z.union([z.string().max(40), z.number()])).optional(),
});

const Counts = (...names: readonly [string, ...string[]]) => z.record(z.enum(names), z.number().int());
export const GrantTreeNode = z.object({
  grant: Grant,
  sessions: z.object({ total: z.number().int(), live: z.number().int() }),
  /** Of its own sessions, by decision, and those that an error of the target or the gate ended. */
  operations: z.object({ allow: z.number().int(), deny: z.number().int(), hold: z.number().int() }),
  holds: Counts('waiting', 'approved', 'refused', 'timed-out', 'cancelled'),
  /** `duration` in milliseconds. `own`: by its own sessions; `subtree`: with all grants below it, which share it. */
  budget: z.array(
    z.object({
      dimension: z.enum(BUDGET_DIMENSIONS),
      limit: z.number().int().nullable(),
      own: z.number().int(),
      subtree: z.number().int(),
      reserved: z.number().int(),
    }),
  ),
  /**
   * What its document gives and neither it nor a grant below it has used so far. `columns` are null where a whole relation
   * was not used. `null`: not known, as of a workflow, of a resource whose catalog was not read, or of a grant that the
   * caller may not see the statements of.
   */
  unused: z
    .array(z.object({ verb: z.string(), relation: z.string(), columns: z.array(z.string()).nullable() }))
    .nullable(),
});
export const GrantTree = z.object({
  rootId: z.string(),
  /** Those that the caller may see, a parent always before its children. */
  nodes: z.array(GrantTreeNode),
  /** There are more than are shown. */
  more: z.boolean(),
  /** Of a workflow's tree, in the order of its document. */
  steps: z.array(
    z.object({
      task: z.string(),
      taskRevision: z.number().int(),
      after: z.array(z.string()),
      state: z.enum(['blocked', 'ready', 'requested', 'running', 'completed', 'failed']),
      /** Why it cannot start. */
      why: z.string().nullable(),
      /** Its newest grant. */
      grantId: z.string().nullable(),
    }),
  ),
});

/** A tree by its root, with what the grants in it count that the caller may see. */
export const Run = z.object({
  grant: Grant,
  /** `live`: active now. The root is one of them. */
  grants: z.object({ total: z.number().int(), live: z.number().int(), failed: z.number().int() }),
  sessions: z.object({ total: z.number().int(), live: z.number().int() }),
  operations: z.object({ allow: z.number().int(), deny: z.number().int(), hold: z.number().int() }),
});

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
        /** One of the two. */
        task: Slug.optional(),
        workflow: Slug.optional(),
        narrow: Narrowing.optional(),
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
        assertion: Assertion.nullable().default(null),
      }),
    )
    .output(Grant),
  /** What a passkey signs to approve exactly that; `approve` then takes its answer, with the same input. */
  askToSign: oc
    .route({ method: 'POST', path: '/grants/{id}/approval-challenge' })
    .input(
      ById.extend({
        ttlMs: z.number().int().min(10_000).nullable().default(null),
        comment: z.string().trim().max(500).nullable().default(null),
      }),
    )
    .output(RequestOptions),
  /** Where the task wants it: its owner's passkey says yes to the activation, which must follow within five minutes. */
  askToConfirm: oc
    .route({ method: 'POST', path: '/grants/{id}/confirmation-challenge' })
    .input(ById)
    .output(RequestOptions),
  confirm: oc
    .route({ method: 'POST', path: '/grants/{id}/confirm' })
    .input(ById.extend({ assertion: Assertion }))
    .output(Grant),
  refuse: oc
    .route({ method: 'POST', path: '/grants/{id}/refuse' })
    .input(ById.extend({ reason: ShortText }))
    .output(Grant),
  activate: oc.route({ method: 'POST', path: '/grants/{id}/activate' }).input(ById).output(Activation),
  /** Ends every grant below it too. */
  end: oc
    .route({ method: 'POST', path: '/grants/{id}/end' })
    .input(
      ById.extend({
        /** What its owner says of it. */
        outcome: z.enum(['completed', 'failed']).default('completed'),
        exitCode: z.number().int().min(0).max(255).nullable().default(null),
      }),
    )
    .output(Grant),
  mint: oc
    .route({
      method: 'POST',
      path: '/grants/{id}/children',
      summary:
        "A grant below this one: of a step of a workflow, or narrower of the same task; also with the grant's token",
    })
    .input(
      ById.extend({
        /** The step, of a workflow's grant. */
        task: Slug.optional(),
        narrow: Narrowing.optional(),
        ttlMs: z.number().int().min(1_000).nullable().default(null),
        reason: ShortText.nullable().default(null),
      }),
    )
    .output(Minted),
  tree: oc
    .route({ method: 'GET', path: '/grants/{id}/tree', summary: 'The whole tree that the grant stands in' })
    .input(ById)
    .output(GrantTree),
  runs: oc
    .route({
      method: 'GET',
      path: '/runs',
      summary: 'The roots of trees: runs of workflows, and grants of tasks with one below',
    })
    .input(
      PageQuery.extend({
        mine: z.stringbool().optional(),
        /** Of the root. */
        state: GrantState.optional(),
        /** Part of the name of the workflow or the task. */
        of: z.string().trim().max(63).optional(),
      }),
    )
    .output(page(Run)),
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
  /** These and `reasons` are empty where the statement is withheld from the caller. */
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
  /** Each approval must be signed with a passkey. */
  stepUp: z.boolean(),
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
      ById.extend({
        binding: z.string().length(64),
        comment: z.string().trim().max(500).nullable().default(null),
        assertion: Assertion.nullable().default(null),
      }),
    )
    .output(Hold),
  askToSign: oc
    .route({ method: 'POST', path: '/holds/{id}/approval-challenge' })
    .input(
      ById.extend({ binding: z.string().length(64), comment: z.string().trim().max(500).nullable().default(null) }),
    )
    .output(RequestOptions),
  refuse: oc
    .route({ method: 'POST', path: '/holds/{id}/refuse' })
    .input(ById.extend({ reason: ShortText }))
    .output(Hold),
  cancel: oc.route({ method: 'POST', path: '/holds/{id}/cancel' }).input(ById).output(Hold),
};

/** A signed approval, to be kept and verified without us: `taskgate verify approval-<id>.json`. */
export const ApprovalFile = z.object({
  /** As what was signed. The first says less: neither address nor labels nor limits. */
  format: z.enum(['taskgate-approval-2', 'taskgate-approval-1']),
  id: z.string(),
  /**
   * Canonical JSON (RFC 8785) of what was approved; its SHA-256 is the challenge that was signed. `null`: of a statement
   * whose recording's time is over, and deleted with it.
   */
  signed: z.string().nullable(),
  passkeyName: z.string(),
  /** JWK. */
  publicKey: z.record(z.string(), z.string()),
  /** Base64url, as the browser gave them (WebAuthn). */
  authenticatorData: z.string(),
  clientDataJSON: z.string(),
  signature: z.string(),
});
export const approvals = {
  get: oc.route({ method: 'GET', path: '/approvals/{id}' }).input(ById).output(ApprovalFile),
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
