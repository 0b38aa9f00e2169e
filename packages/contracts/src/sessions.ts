import { oc } from '@orpc/contract';
import * as z from 'zod';
import {
  GrantState,
  Instant,
  MaskName,
  Outcome,
  PageQuery,
  PersonRef,
  page,
  Reason,
  RelationSummary,
  ShortText,
} from './shapes.ts';

export const Session = z.object({
  id: z.string(),
  grantId: z.string(),
  /** The tree that its grant stands in, where there is more in it than that grant. */
  run: z.object({ id: z.string(), name: z.string() }).nullable(),
  task: z.string(),
  taskRevision: z.number().int(),
  resource: z.string(),
  person: PersonRef,
  protocol: z.enum(['postgres', 'console']),
  clientAddress: z.string(),
  application: z.string(),
  gateway: z.string(),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  endReason: z.string().nullable(),
  operations: z.number().int(),
  denied: z.number().int(),
  held: z.number().int(),
  rows: z.number().int(),
  maskedCells: z.number().int(),
  recording: z.enum(['live', 'complete', 'interrupted', 'missing', 'erased']),
  /** Signed chain head, once the session has ended. */
  head: z.object({ count: z.number().int(), hash: z.string(), signature: z.string(), keyId: z.string() }).nullable(),
  /** Why its recording is kept whatever `keep` says. */
  keepReason: z.string().nullable(),
  /** When its recording was deleted. */
  erasedAt: Instant.nullable(),
  mayReplay: z.boolean(),
});

export const TimelineOperation = z.object({
  seq: z.number().int(),
  at: Instant,
  decisionId: z.string(),
  statement: z.string().nullable(),
  parameters: z.array(z.string().nullable()),
  statementClass: z.string(),
  label: z.string(),
  relations: z.array(RelationSummary),
  outcome: Outcome,
  reasons: z.array(Reason),
  hold: z
    .object({
      holdId: z.string(),
      outcome: z.string().nullable(),
      by: z.array(z.string()),
      comment: z.string().nullable(),
      waitedMs: z.number().nullable(),
    })
    .nullable(),
  columns: z.array(z.object({ name: z.string(), typeOid: z.number().int(), mask: MaskName.nullable() })),
  rows: z.array(z.array(z.string().nullable())),
  rowsShown: z.number().int(),
  result: z
    .object({
      outcome: z.enum(['done', 'error', 'refused', 'cancelled', 'skipped', 'withheld', 'unknown']),
      tag: z.string().nullable(),
      rows: z.number().int().nullable(),
      bytes: z.number().int(),
      maskedCells: z.number().int(),
      durationMs: z.number().nullable(),
      sqlstate: z.string().nullable(),
      message: z.string().nullable(),
    })
    .nullable(),
});

export const Explanation = z.object({
  decisionId: z.string(),
  sessionId: z.string(),
  grantId: z.string(),
  grantState: GrantState,
  task: z.string(),
  taskRevision: z.number().int(),
  /** In force now, where it is another one than the decision was made by. */
  newerTaskRevision: z.number().int().nullable(),
  resource: z.string(),
  person: PersonRef,
  at: Instant,
  outcome: Outcome,
  /** What became of it; null while that is not known. */
  ending: z
    .object({
      result: z.enum(['done', 'error', 'refused', 'cancelled', 'skipped', 'withheld', 'unknown']),
      sqlstate: z.string().nullable(),
      tag: z.string().nullable(),
      rows: z.number().int().nullable(),
      maskedCells: z.number().int(),
      /** The target's own error or the gate's reason, for who may read the statement. */
      message: z.string().nullable(),
    })
    .nullable(),
  hold: z
    .object({
      id: z.string(),
      state: z.enum(['waiting', 'approved', 'refused', 'timed-out', 'cancelled']),
      answers: z.array(
        z.object({
          id: z.string(),
          person: PersonRef,
          outcome: z.string(),
          comment: z.string().nullable(),
          signedBy: z.string().nullable(),
        }),
      ),
      endedAt: Instant.nullable(),
    })
    .nullable(),
  /** Null where the caller may not read it. */
  statement: z.string().nullable(),
  statementClass: z.string(),
  /** These three name what the statement names: empty where the caller may not read it. */
  relations: z.array(RelationSummary),
  reasons: z.array(Reason),
  /** The lines of the rules named in reasons, where the caller may read the source. */
  excerpts: z.array(
    z.object({
      kind: z.string(),
      name: z.string(),
      revision: z.number().int(),
      line: z.number().int(),
      text: z.string(),
      /** In force now, where it is another one. */
      newerRevision: z.number().int().nullable(),
    }),
  ),
  /** Columns of the result that were masked, for who may read the statement. */
  masks: z.array(z.object({ column: z.string(), mask: MaskName })),
  /** Who may agree: to this statement where it was held, else to another activation of the task. */
  approvers: z
    .object({
      to: z.enum(['statement', 'activation']),
      groups: z.array(z.string()),
      count: z.number().int(),
      /** Reviewers of those groups but whose statement it is. */
      people: z.array(PersonRef),
      more: z.number().int(),
    })
    .nullable(),
  /** The same task, asked for anew, would let it through; for whose statement it is. */
  sameTaskAgain: z.boolean(),
  /** Other tasks of the caller on the same resource that would let it through. */
  otherTasks: z.array(z.object({ task: z.string(), outcome: z.enum(['allow', 'hold']), needsApproval: z.boolean() })),
});

export const sessions = {
  list: oc
    .route({ method: 'GET', path: '/sessions' })
    .input(
      PageQuery.extend({
        person: z.string().max(254).optional(),
        task: z.string().max(63).optional(),
        /** Id of a grant: of its sessions and those of every grant below it. */
        node: z.string().max(60).optional(),
        resource: z.string().max(63).optional(),
        protocol: z.enum(['postgres', 'console']).optional(),
        /** Sessions with at least one such decision. */
        outcome: Outcome.optional(),
        live: z.stringbool().optional(),
        from: Instant.optional(),
        to: Instant.optional(),
        /** A relation such as `public.orders`, or words of a statement class or label. */
        q: z.string().max(200).optional(),
      }),
    )
    .output(page(Session)),
  get: oc
    .route({ method: 'GET', path: '/sessions/{id}' })
    .input(z.object({ id: z.string() }))
    .output(Session),
  timeline: oc
    .route({
      method: 'GET',
      path: '/sessions/{id}/timeline',
      summary: 'What was asked, decided and sent; reading it is itself audited',
    })
    .input(
      z.object({
        id: z.string(),
        after: z.coerce.number().int().optional(),
        limit: z.coerce.number().int().min(1).max(500).default(200),
      }),
    )
    .output(
      z.object({ session: Session, operations: z.array(TimelineOperation), nextAfter: z.number().int().nullable() }),
    ),
  viewers: oc
    .route({ method: 'GET', path: '/sessions/{id}/viewers' })
    .input(z.object({ id: z.string() }))
    .output(z.array(z.object({ person: PersonRef, at: Instant }))),
  end: oc
    .route({ method: 'POST', path: '/sessions/{id}/end', summary: 'End the connection, not the grant' })
    .input(z.object({ id: z.string() }))
    .output(Session),
  keep: oc
    .route({ method: 'POST', path: '/sessions/{id}/keep', summary: 'Keep its recording, or with `null` no longer' })
    .input(z.object({ id: z.string(), reason: ShortText.nullable() }))
    .output(Session),
  explain: oc
    .route({ method: 'GET', path: '/explain/{decisionId}' })
    .input(z.object({ decisionId: z.string() }))
    .output(Explanation),
};
// The raw bytes for verification are GET /api/v1/sessions/{id}/recording (application/octet-stream), outside this contract.

export const AuditRow = z.object({
  id: z.string(),
  at: Instant,
  actor: PersonRef.nullable(),
  via: z.string(),
  action: z.string(),
  /** The deed that it was a part of, where that changed more. */
  actId: z.string().nullable(),
  subjectKind: z.string(),
  subject: z.string(),
  before: z.unknown().nullable(),
  after: z.unknown().nullable(),
});
export const audit = {
  list: oc
    .route({ method: 'GET', path: '/audit' })
    .input(
      PageQuery.extend({
        actor: z.string().max(254).optional(),
        action: z.string().max(100).optional(),
        subject: z.string().max(100).optional(),
        /** Id of a grant: what was done with it and every grant below it, with their sessions and holds. */
        node: z.string().max(60).optional(),
        from: Instant.optional(),
        to: Instant.optional(),
      }),
    )
    .output(page(AuditRow)),
};
