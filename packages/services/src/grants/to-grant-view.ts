import type { Grant } from '@taskgate/contracts';
import { BUDGET_DIMENSIONS } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { IdentityActor } from '../context.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { isConfirmed } from './confirm-grant.ts';
import { GRANT_ACTIONS, type GrantAction, type GrantFacts, whyNotGrant } from './grant-actions.ts';
import { type AnswerRow, type GrantRow, toGrantStatus } from './grant-row.ts';
import { loadPeople, toPerson } from './person-ref.ts';

export type GrantView = z.infer<typeof Grant>;
export type AnswerView = GrantView['approvals'][number];

export function toGrantFacts(row: GrantRow): GrantFacts {
  return {
    status: toGrantStatus(row),
    approverGroups: row.approverGroups,
    answeredBy: row.approvals.map((answer) => answer.userId),
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
      task: row.task.name,
      taskRevision: row.taskRevision,
      purpose: purposeOf(row),
      resource: row.task.resource.name,
      requestedBy: toPerson(row.identity),
      reason: row.reason,
      ticket: row.ticket,
      state: facts.status.state,
      endReason: facts.status.endReason,
      endedBy: row.endedById === null ? null : personOf(row.endedById),
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

async function loadPurposes(db: Transaction, rows: readonly GrantRow[]): Promise<(row: GrantRow) => string> {
  const key = (taskId: string, revision: number): string => `${taskId}/${revision}`;
  const wanted = new Map(rows.map((row) => [key(row.taskId, row.taskRevision), row]));
  if (wanted.size === 0) return () => '';
  const revisions = await db.taskRevision.findMany({
    where: { OR: [...wanted.values()].map((row) => ({ taskId: row.taskId, revision: row.taskRevision })) },
  });
  const purposes = new Map(
    revisions.map((row) => [key(row.taskId, row.revision), readTaskDocument(row.source).purpose]),
  );
  return (row) => purposes.get(key(row.taskId, row.taskRevision)) ?? '';
}
