import type { GrantTree } from '@taskgate/contracts';
import { BUDGET_DIMENSIONS, TaskgateError } from '@taskgate/core';
import type { Database } from '@taskgate/db';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { HOLD_STATES } from '../holds/hold-row.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { readWorkflowDocument } from '../tasks/task-documents.ts';
import { GRANT_SELECT, type GrantRow } from './grant-row.ts';
import { readPinned } from './grant-subject.ts';
import { loadUnused } from './load-unused.ts';
import { newestOf, stateOfStep, whyNotStep } from './step-states.ts';
import { toGrantViews } from './to-grant-view.ts';
import { isVisibleGrant, visibleGrants } from './visible-grants.ts';

export type GrantTreeView = z.infer<typeof GrantTree>;
type Node = GrantTreeView['nodes'][number];

const ById = z.object({ id: z.string().max(60) });
/** A page shows no more; the lists of sessions and statements have the rest. */
const MAX_NODES = 500;

/** The tree that a grant stands in, as far as the caller may see it: what each node was given, did and used. */
export async function loadTree(ctx: ServiceContext, input: z.input<typeof ById>): Promise<GrantTreeView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'grant:revoke', 'session:read'], {
    grantToken: true,
  });
  const { id } = parseInput(ById, input);
  const { db, clock } = ctx.services;
  const asked = await db.grant.findUnique({ where: { id }, select: GRANT_SELECT });
  if (asked === null || !isVisibleGrant(actor, asked))
    throw new TaskgateError('not-found', `there is no grant \`${id}\``);
  const found = await db.grant.findMany({
    where: { AND: [{ rootId: asked.rootId }, visibleGrants(actor)] },
    orderBy: [{ depth: 'asc' }, { requestedAt: 'asc' }, { id: 'asc' }],
    take: MAX_NODES + 1,
    select: GRANT_SELECT,
  });
  const rows = found.slice(0, MAX_NODES);
  const [views, sessionsOf, operationsOf, holdsOf, budgetOf, unusedOf, steps] = await Promise.all([
    toGrantViews(db, actor, rows, clock.now()),
    countSessions(db, asked.rootId),
    countOperations(db, asked.rootId),
    countHolds(db, asked.rootId),
    loadBudgets(db, asked.rootId),
    loadUnused(ctx, actor, asked.rootId, rows),
    loadSteps(db, actor, asked.rootId),
  ]);
  return {
    rootId: asked.rootId,
    nodes: views.map((grant) => ({
      grant,
      sessions: sessionsOf(grant.id),
      operations: operationsOf(grant.id),
      holds: holdsOf(grant.id),
      budget: budgetOf(grant.id),
      unused: unusedOf(grant.id),
    })),
    more: found.length > MAX_NODES,
    steps,
  };
}

async function countSessions(db: Database, rootId: string): Promise<(id: string) => Node['sessions']> {
  const rows = await db.$queryRaw<{ grantId: string; total: number; live: number }[]>`
    select s."grantId", count(*)::int as total, (count(*) filter (where s."endedAt" is null))::int as live
    from sessions s join grants g on g.id = s."grantId" where g."rootId" = ${rootId} group by 1`;
  const byId = new Map(rows.map(({ grantId, total, live }) => [grantId, { total, live }]));
  return (id) => byId.get(id) ?? { total: 0, live: 0 };
}

async function countOperations(db: Database, rootId: string): Promise<(id: string) => Node['operations']> {
  const rows = await db.$queryRaw<{ grantId: string; operations: number; denied: number; held: number }[]>`
    select s."grantId", sum(s."operationCount")::int as operations, sum(s."deniedCount")::int as denied,
      sum(s."heldCount")::int as held
    from sessions s join grants g on g.id = s."grantId" where g."rootId" = ${rootId} group by 1`;
  const byId = new Map(rows.map((row) => [row.grantId, row]));
  return (id) => {
    const { operations, denied, held } = byId.get(id) ?? { operations: 0, denied: 0, held: 0 };
    return { allow: operations - denied - held, deny: denied, hold: held };
  };
}

async function countHolds(db: Database, rootId: string): Promise<(id: string) => Node['holds']> {
  const rows = await db.hold.groupBy({
    by: ['grantId', 'state'],
    where: { grant: { rootId } },
    _count: { _all: true },
  });
  return (id) => {
    const of = (state: string): number =>
      rows.find((row) => row.grantId === id && row.state === state)?._count._all ?? 0;
    return Object.fromEntries(HOLD_STATES.map((state) => [state, of(state)]));
  };
}

/** What a grant used itself is what its budget has without that of the grants right below it, whose budgets have theirs. */
async function loadBudgets(db: Database, rootId: string): Promise<(id: string) => Node['budget']> {
  const rows = await db.$queryRaw<
    { id: string; dimension: string; limit: bigint | null; spent: bigint; reserved: bigint; below: bigint }[]
  >`
    select g.id, b.dimension, b."limit", b.spent, b.reserved, coalesce((
      select sum(c.spent) from grants k join grant_budgets c on c."grantId" = k.id and c.dimension = b.dimension
      where k."parentId" = g.id), 0)::bigint as below
    from grants g join grant_budgets b on b."grantId" = g.id where g."rootId" = ${rootId}`;
  return (id) =>
    BUDGET_DIMENSIONS.flatMap((dimension) =>
      rows
        .filter((row) => row.id === id && row.dimension === dimension)
        .map((row) => ({
          dimension,
          limit: row.limit === null ? null : Number(row.limit),
          own: Number(row.spent - row.below),
          subtree: Number(row.spent),
          reserved: Number(row.reserved),
        })),
    );
}

async function loadSteps(db: Database, actor: IdentityActor, rootId: string): Promise<GrantTreeView['steps']> {
  const root = await db.grant.findUniqueOrThrow({ where: { id: rootId }, select: GRANT_SELECT });
  if (root.workflowId === null || root.workflowRevision === null || !isVisibleGrant(actor, root)) return [];
  const { source } = await db.workflowRevision.findUniqueOrThrow({
    where: { workflowId_revision: { workflowId: root.workflowId, revision: root.workflowRevision } },
    select: { source: true },
  });
  const children = await loadStepGrants(db, root);
  const pinned = readPinned(root);
  return readWorkflowDocument(source).steps.map((step) => ({
    task: step.task,
    taskRevision: pinned[step.task]!,
    after: [...step.after],
    state: stateOfStep(step, children),
    why: whyNotStep(step, children),
    grantId: newestOf(step.task, children)?.id ?? null,
  }));
}

const loadStepGrants = (db: Database, root: Pick<GrantRow, 'id'>) =>
  db.grant.findMany({
    where: { parentId: root.id },
    select: { id: true, step: true, state: true, endReason: true, exitCode: true, requestedAt: true },
  });
