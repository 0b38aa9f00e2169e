import { oc } from '@orpc/contract';
import * as z from 'zod';
import { DescriptionSection, Instant, PersonRef, ProblemItem, Slug, Source } from './shapes.ts';
import { RuleUsage, SuggestInput, TaskSuggestion } from './simulations.ts';

export const Revision = z.object({
  revision: z.number().int(),
  source: z.string(),
  createdBy: PersonRef,
  createdAt: Instant,
  publishedAt: Instant.nullable(),
});
export const TaskSummary = z.object({
  name: z.string(),
  purpose: z.string(),
  resource: z.string(),
  /** Published revision; null while there is only a draft. */
  revision: z.number().int().nullable(),
  latestRevision: z.number().int(),
  /** The caller may request it now; else why not. */
  mayActivate: z.boolean(),
  whyNot: z.string().nullable(),
  approvals: z.object({ from: z.array(z.string()), count: z.number().int() }).nullable(),
  reasonRequired: z.boolean(),
  ticketRequired: z.boolean(),
  ttlMs: z.number().int(),
  who: z.array(z.string()),
  activeGrants: z.number().int(),
  updatedAt: Instant,
});
export const Task = TaskSummary.extend({
  id: z.string(),
  current: Revision.nullable(),
  latest: Revision,
  description: z.array(DescriptionSection),
  policies: z.array(z.object({ name: z.string(), revision: z.number().int(), purpose: z.string() })),
  /** Effective, with every policy that applies. */
  limits: z.object({
    rows: z.number().nullable(),
    bytes: z.number().nullable(),
    statements: z.number().nullable(),
    durationMs: z.number().nullable(),
    statementMs: z.number().nullable(),
    idleMs: z.number().nullable(),
    connections: z.number().nullable(),
  }),
});
export const PolicySummary = z.object({
  name: z.string(),
  purpose: z.string(),
  revision: z.number().int().nullable(),
  latestRevision: z.number().int(),
  appliesTo: z.object({ resources: z.array(z.string()), tasks: z.array(z.string()), totalResources: z.number().int() }),
  rules: z.number().int(),
  updatedAt: Instant,
});
export const Policy = PolicySummary.extend({
  id: z.string(),
  current: Revision.nullable(),
  latest: Revision,
  description: z.array(DescriptionSection),
});

const SaveInput = z.object({
  source: Source,
  publish: z.boolean().default(false),
  /** Refused as `conflict` when another revision came meanwhile. */ baseRevision: z
    .number()
    .int()
    .nullable()
    .default(null),
});
const Named = z.object({ name: Slug });

/** What a grant of the task is at the target itself. */
export const TaskPrincipal = z.object({
  /** `own`: each grant has a role of its own there. `credential`: all use the resource's. */
  kind: z.enum(['own', 'credential']),
  /** Why not their own. */
  reason: z.string().nullable(),
  /** Privileges of its role, such as `SELECT (id, name) on public.customers`. */
  privileges: z.array(z.string()),
  /** What of these is more than the task allows. */
  wider: z.array(z.string()),
  /** Roles there now. */
  roles: z.array(z.object({ name: z.string(), grantId: z.string(), since: Instant })),
});
const Numbered = z.object({ name: Slug, revision: z.coerce.number().int().min(1) });

export const tasks = {
  list: oc.route({ method: 'GET', path: '/tasks' }).output(z.array(TaskSummary)),
  get: oc.route({ method: 'GET', path: '/tasks/{name}' }).input(Named).output(Task),
  principal: oc.route({ method: 'GET', path: '/tasks/{name}/principal' }).input(Named).output(TaskPrincipal),
  revisions: oc.route({ method: 'GET', path: '/tasks/{name}/revisions' }).input(Named).output(z.array(Revision)),
  save: oc
    .route({ method: 'POST', path: '/tasks', summary: 'New revision (and task, where the name is new)' })
    .input(SaveInput)
    .output(Task),
  publish: oc
    .route({ method: 'POST', path: '/tasks/{name}/revisions/{revision}/publish' })
    .input(Numbered)
    .output(Task),
  usage: oc
    .route({ method: 'GET', path: '/tasks/{name}/usage', summary: 'Which rules of the published revision were used' })
    .input(Named)
    .output(RuleUsage),
};
export const policies = {
  list: oc.route({ method: 'GET', path: '/policies' }).output(z.array(PolicySummary)),
  get: oc.route({ method: 'GET', path: '/policies/{name}' }).input(Named).output(Policy),
  revisions: oc.route({ method: 'GET', path: '/policies/{name}/revisions' }).input(Named).output(z.array(Revision)),
  save: oc.route({ method: 'POST', path: '/policies' }).input(SaveInput).output(Policy),
  publish: oc
    .route({ method: 'POST', path: '/policies/{name}/revisions/{revision}/publish' })
    .input(Numbered)
    .output(Policy),
  usage: oc.route({ method: 'GET', path: '/policies/{name}/usage' }).input(Named).output(RuleUsage),
};

export const DocumentKind = z.enum(['Task', 'Policy', 'Workflow', 'Resource']);
export const documents = {
  /** For the editor: what is wrong and what it means. Saves nothing. */
  check: oc
    .route({ method: 'POST', path: '/documents/check' })
    .input(z.object({ kind: z.enum(['Task', 'Policy']), source: z.string().max(65_536) }))
    .output(
      z.object({
        problems: z.array(ProblemItem),
        /** Names that do not exist here. They do not stop a publication. */
        warnings: z.array(ProblemItem),
        description: z.array(DescriptionSection),
        appliesTo: z.array(z.string()),
      }),
    ),
  complete: oc
    .route({ method: 'POST', path: '/documents/complete' })
    .input(z.object({ source: z.string().max(65_536), offset: z.number().int().min(0) }))
    .output(
      z.object({
        from: z.number().int(),
        options: z.array(z.object({ label: z.string(), detail: z.string().optional() })),
      }),
    ),
  suggest: oc
    .route({ method: 'POST', path: '/documents/suggest', summary: 'The least task that allows what was done' })
    .input(SuggestInput)
    .output(TaskSuggestion),
  template: oc
    .route({ method: 'GET', path: '/documents/templates/{kind}' })
    .input(z.object({ kind: z.enum(['Task', 'Policy']) }))
    .output(z.object({ source: z.string() })),
  /** `taskgate apply -f`: all or nothing. `secrets` by resource name, read by the CLI from the references in the file. */
  apply: oc
    .route({ method: 'POST', path: '/documents/apply' })
    .input(z.object({ source: Source, secrets: z.record(Slug, z.string().min(1).max(4096)).default({}) }))
    .output(
      z.object({
        applied: z.array(
          z.object({
            kind: DocumentKind,
            name: z.string(),
            revision: z.number().int().nullable(),
            outcome: z.enum(['created', 'updated', 'unchanged']),
            /** At their lines in the whole file. */
            warnings: z.array(ProblemItem),
          }),
        ),
      }),
    ),
};
