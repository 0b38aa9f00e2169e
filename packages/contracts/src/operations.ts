import { oc } from '@orpc/contract';
import { ACCESS_VERBS } from '@taskgate/core';
import * as z from 'zod';
import { Instant, Outcome, PageQuery, PersonRef, page, Reason, RelationSummary, StatementClassName } from './shapes.ts';

/** `relation`, `column`, `class` and `verb` are about one and the same column that was reached. */
export const OperationFilter = z.object({
  /** Part of a name or an e-mail address. */
  person: z.string().trim().max(254).optional(),
  task: z.string().max(63).optional(),
  /** Id of a grant: what ran under it and every grant below it. */
  node: z.string().max(60).optional(),
  resource: z.string().max(63).optional(),
  session: z.string().max(60).optional(),
  /** `public.customers`; without a schema, in any. */
  relation: z.string().trim().max(200).optional(),
  column: z.string().trim().max(63).optional(),
  /** As policies classified columns when it was decided, such as `pii`. */
  class: z.string().trim().max(63).optional(),
  verb: z.enum(ACCESS_VERBS).optional(),
  statement: StatementClassName.optional(),
  outcome: Outcome.optional(),
  /** Without what was allowed and reached nothing but the system's own relations, as clients' look-ups do. */
  data: z.stringbool().optional(),
  /** From this instant on. */
  from: Instant.optional(),
  /** Before this instant. */
  to: Instant.optional(),
});

export const OperationRow = z.object({
  decisionId: z.string(),
  sessionId: z.string(),
  at: Instant,
  person: PersonRef,
  task: z.string(),
  taskRevision: z.number().int(),
  resource: z.string(),
  outcome: Outcome,
  statementClass: z.string(),
  label: z.string(),
  relations: z.array(RelationSummary),
  /** The first one. */
  reason: Reason.nullable(),
  /** What became of it; null while that is not known. */
  result: z.enum(['done', 'error', 'refused', 'cancelled', 'skipped', 'withheld', 'unknown']).nullable(),
  tag: z.string().nullable(),
  rows: z.number().int().nullable(),
  maskedCells: z.number().int(),
  durationMs: z.number().nullable(),
  sqlstate: z.string().nullable(),
});

export const operations = {
  list: oc
    .route({
      method: 'GET',
      path: '/operations',
      summary: 'Statements by what they reached, of the sessions that the caller may replay',
    })
    .input(OperationFilter.extend(PageQuery.shape))
    .output(page(OperationRow)),
};
// The same filter as CSV is GET /api/v1/operations/export (text/csv), outside this contract.

export const SavedViewInput = z.object({
  page: z.enum(['operations', 'sessions']),
  name: z.string().trim().min(1).max(80),
  /** The address's own query, without the question mark: a view is a link. */
  search: z
    .string()
    .max(2_000)
    .regex(/^[^\s#?]*$/, 'the query of an address, without its question mark'),
});
export const SavedView = SavedViewInput.extend({ id: z.string() });

export const views = {
  list: oc.route({ method: 'GET', path: '/views', summary: "The caller's saved views" }).output(z.array(SavedView)),
  save: oc
    .route({ method: 'POST', path: '/views', summary: 'Save a view; one of the same name is replaced' })
    .input(SavedViewInput)
    .output(SavedView),
  remove: oc
    .route({ method: 'DELETE', path: '/views/{id}' })
    .input(z.object({ id: z.string() }))
    .output(z.object({ id: z.string() })),
};
