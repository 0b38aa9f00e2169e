import { oc } from '@orpc/contract';
import * as z from 'zod';
import { Instant, MaskName, Outcome, PersonRef, Reason, Slug, Source } from './shapes.ts';

const Decided = z.object({
  outcome: Outcome,
  reason: Reason,
  approvals: z.object({ from: z.array(z.string()), count: z.number().int() }).nullable(),
  affectsMax: z.number().int().nullable(),
});

/** Operations of one person under one task that reach the same and change alike. */
const SimulatedGroup = z.object({
  change: z.enum([
    'allowed-to-denied',
    'allowed-to-held',
    'held-to-denied',
    'denied-to-allowed',
    'denied-to-held',
    'held-to-allowed',
    'approvals-changed',
    'masks-changed',
    'rows-changed',
  ]),
  person: PersonRef,
  task: z.string(),
  statementClass: z.string(),
  /** The label and what it reaches. */
  what: z.string(),
  before: Decided,
  after: Decided,
  /** `of`: an output column, or the kind that a detector finds. */
  masks: z.array(z.object({ of: z.string(), before: MaskName.nullable(), after: MaskName.nullable() })),
  count: z.number().int(),
  /** The newest of them. */
  latest: z.array(z.object({ decisionId: z.string(), sessionId: z.string(), at: Instant })),
});

export const SimulationResult = z.object({
  from: Instant,
  to: Instant,
  /** Recorded in that time, of the tasks and resources that the drafts are about. */
  operations: z.number().int(),
  simulated: z.number().int(),
  /** Distinct statements, each decided once a task. */
  distinct: z.number().int(),
  unchanged: z.number().int(),
  changes: z.record(z.string(), z.number().int()),
  /** What is in force now decides these otherwise than was recorded; they are compared with now. */
  decidedDifferentlyThen: z.number().int(),
  notSimulated: z.array(
    z.object({ why: z.enum(['older', 'no-recording', 'too-long', 'no-catalog']), count: z.number().int() }),
  ),
  groups: z.array(SimulatedGroup),
  groupsLeftOut: z.number().int(),
  tookMs: z.number().int(),
});

export const Simulation = z.object({
  id: z.string(),
  state: z.enum(['running', 'done', 'failed', 'interrupted']),
  createdBy: PersonRef,
  createdAt: Instant,
  documents: z.array(z.object({ kind: z.string(), name: z.string() })),
  source: z.string(),
  /** Distinct statements while it runs. */
  progress: z.object({ done: z.number().int(), total: z.number().int() }).nullable(),
  result: SimulationResult.nullable(),
});

export const simulations = {
  start: oc
    .route({
      method: 'POST',
      path: '/simulations',
      summary: 'Decide the recorded operations of the last days by drafts of tasks and policies',
    })
    .input(z.object({ source: Source, days: z.number().int().min(1).max(365).default(30) }))
    .output(Simulation),
  get: oc
    .route({ method: 'GET', path: '/simulations/{id}' })
    .input(z.object({ id: z.string() }))
    .output(Simulation),
};

export const SuggestInput = z.object({
  resource: Slug,
  task: Slug.optional(),
  /** Id or e-mail address. */
  person: z.string().trim().max(254).optional(),
  session: z.string().max(60).optional(),
  /** The last 30 days unless given. */
  from: Instant.optional(),
  to: Instant.optional(),
});

export const TaskSuggestion = z.object({
  source: z.string(),
  /** Operations that it is made from. */
  operations: z.number().int(),
  /** What was done and it does not allow, with why. */
  left: z.array(z.object({ decisionId: z.string(), sessionId: z.string(), what: z.string(), why: z.string() })),
  /** Operations whose statement could not be read again. */
  notRead: z.number().int(),
});

/** How often each rule of a revision decided, masked or classified something. */
export const RuleUsage = z.object({
  revision: z.number().int(),
  /** 30 days ago, or when the revision was published if that is later. */
  since: Instant,
  rules: z.array(
    z.object({
      path: z.string(),
      line: z.number().int(),
      list: z.enum(['allow', 'hold', 'deny', 'mask', 'classify']),
      hits: z.number().int(),
      lastAt: Instant.nullable(),
    }),
  ),
});
