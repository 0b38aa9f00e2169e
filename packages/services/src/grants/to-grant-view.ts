import type { Grant } from '@taskgate/contracts';
import { BUDGET_DIMENSIONS } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { IdentityActor } from '../context.ts';
import { readTaskDocument, readWorkflowDocument } from '../tasks/task-documents.ts';
import { GRANT_ACTIONS, type GrantAction, type GrantFacts, whyNotGrant } from './grant-actions.ts';
import { type AnswerRow, type GrantRow, nameOf, toGrantStatus } from './grant-row.ts';
import { isConfirmed } from './is-confirmed.ts';
import { loadNarrowings } from './load-narrowings.ts';
import { loadPeople, PERSON_SELECT, toPerson } from './person-ref.ts';

export type GrantView = z.infer<typeof Grant>;
export type AnswerView = GrantView['approvals'][number];

export function toGrantFacts(row: GrantRow): GrantFacts {
  return {
    status: toGrantStatus(row),
    approverGroups: row.approverGroups,
    answeredBy: row.approvals.map((answer) => answer.userId),
    id: row.id,
    ancestorIds: row.ancestorIds,
    ownerIds: row.ownerIds,
    authorityIds: row.authorityIds,
    ofWorkflow: row.workflowId !== null,
  };
}

/** Rows as the API shows them to `actor`, who may see them. */
export async function toGrantViews(
  db: Transaction,
  actor: IdentityActor,
  rows: readonly GrantRow[],
  now: number,
): Promise<GrantView[]> {
  // One after the other: `db` may be a transaction, which has one connection.
  const purposeOf = await loadPurposes(db, rows);
  const personOf = await loadPeople(
    db,
    rows.map((row) => row.endedById),
  );
  const rootOf = await loadRoots(db, rows);
  const narrowedOf = await loadNarrowings(db, rows);
  const budgetOf = await loadBudgets(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => {
    const facts = toGrantFacts(row);
    const action = (name: GrantAction) => {
      const refusal = whyNotGrant(name, actor, facts, now);
      return { allowed: refusal === null, why: refusal?.message ?? null };
    };
    return {
      id: row.id,
      task: row.task?.name ?? null,
      taskRevision: row.taskRevision,
      workflow: row.workflow?.name ?? null,
      workflowRevision: row.workflowRevision,
      purpose: purposeOf(row),
      resource: row.task?.resource.name ?? null,
      parentId: row.parentId,
      root: rootOf(row),
      depth: row.depth,
      step: row.step,
      narrowed: narrowedOf(row),
      requestedBy: toPerson(row.identity),
      reason: row.reason,
      ticket: row.ticket,
      state: facts.status.state,
      endReason: facts.status.endReason,
      endedBy: row.endedById === null ? null : personOf(row.endedById),
      exitCode: row.exitCode,
      ttlMs: row.ttlMs,
      approvalsNeeded: row.approvalsNeeded,
      approvers: row.approverGroups,
      approvals: row.approvals.map(toAnswerView),
      stepUp: row.stepUp as GrantView['stepUp'],
      confirmed: isConfirmed(row, now),
      requestedAt: row.requestedAt.toISOString(),
      requestExpiresAt: row.requestExpiresAt.toISOString(),
      activatedAt: row.activatedAt?.toISOString() ?? null,
      expiresAt: row.expiresAt?.toISOString() ?? null,
      endedAt: row.endedAt?.toISOString() ?? null,
      sessions: row._count.sessions,
      budget: budgetOf(row.id),
      actions: Object.fromEntries(GRANT_ACTIONS.map((name) => [name, action(name)])) as GrantView['actions'],
    };
  });
}

export function toAnswerView(answer: AnswerRow): AnswerView {
  return {
    id: answer.id,
    by: toPerson(answer.user),
    at: answer.at.toISOString(),
    outcome: answer.outcome as AnswerView['outcome'],
    comment: answer.comment,
    ttlMs: answer.ttlMs,
    signedBy: answer.signature?.passkeyName ?? null,
  };
}

async function loadBudgets(
  db: Transaction,
  grantIds: readonly string[],
): Promise<(grantId: string) => GrantView['budget']> {
  if (grantIds.length === 0) return () => [];
  const rows = await db.grantBudget.findMany({ where: { grantId: { in: [...grantIds] } } });
  return (grantId) =>
    BUDGET_DIMENSIONS.flatMap((dimension) =>
      rows
        .filter((row) => row.grantId === grantId && row.dimension === dimension)
        .map((row) => ({
          dimension,
          limit: row.limit === null ? null : Number(row.limit),
          used: Number(row.spent),
          reserved: Number(row.reserved),
        })),
    );
}

/** The tree of each, by its root. */
async function loadRoots(db: Transaction, rows: readonly GrantRow[]): Promise<(row: GrantRow) => GrantView['root']> {
  const known = new Map(rows.filter((row) => row.depth === 0).map((row) => [row.id, toRoot(row)]));
  const wanted = [...new Set(rows.map((row) => row.rootId))].filter((id) => !known.has(id));
  if (wanted.length > 0) {
    const found = await db.grant.findMany({ where: { id: { in: wanted } }, select: ROOT_SELECT });
    for (const row of found) known.set(row.id, toRoot(row));
  }
  return (row) => known.get(row.rootId)!;
}

const ROOT_SELECT = {
  id: true,
  task: { select: { name: true } },
  workflow: { select: { name: true } },
  identity: { select: PERSON_SELECT },
} as const;

const toRoot = (
  row: { readonly id: string; readonly identity: Parameters<typeof toPerson>[0] } & Parameters<typeof nameOf>[0],
): GrantView['root'] => ({
  id: row.id,
  name: nameOf(row),
  requestedBy: toPerson(row.identity),
});

async function loadPurposes(db: Transaction, rows: readonly GrantRow[]): Promise<(row: GrantRow) => string> {
  const key = (id: string | null, revision: number | null): string => `${id}/${revision}`;
  const tasks = new Map(
    rows.flatMap(({ taskId, taskRevision: revision }) =>
      taskId === null || revision === null ? [] : [[key(taskId, revision), { taskId, revision }]],
    ),
  );
  const workflows = new Map(
    rows.flatMap(({ workflowId, workflowRevision: revision }) =>
      workflowId === null || revision === null ? [] : [[key(workflowId, revision), { workflowId, revision }]],
    ),
  );
  const purposes = new Map<string, string>();
  if (tasks.size > 0)
    for (const row of await db.taskRevision.findMany({ where: { OR: [...tasks.values()] } }))
      purposes.set(key(row.taskId, row.revision), readTaskDocument(row.source).purpose);
  if (workflows.size > 0)
    for (const row of await db.workflowRevision.findMany({ where: { OR: [...workflows.values()] } }))
      purposes.set(key(row.workflowId, row.revision), readWorkflowDocument(row.source).purpose);
  return (row) =>
    purposes.get(row.taskId === null ? key(row.workflowId, row.workflowRevision) : key(row.taskId, row.taskRevision)) ??
    '';
}
