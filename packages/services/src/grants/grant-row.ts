import { createHash } from 'node:crypto';
import { type GrantEndReason, type GrantState, type GrantStatus, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { PERSON_SELECT } from './person-ref.ts';

/** One person's answer, and what their passkey made of it. */
export const ANSWER_SELECT = {
  id: true,
  userId: true,
  outcome: true,
  comment: true,
  ttlMs: true,
  at: true,
  user: { select: PERSON_SELECT },
  signature: true,
} as const satisfies Prisma.ApprovalSelect;
export type AnswerRow = Prisma.ApprovalGetPayload<{ select: typeof ANSWER_SELECT }>;

/** What an audit row says of an answer. */
export const toAnswerAudit = ({ userId, outcome, comment, ttlMs, signature }: AnswerRow) => ({
  userId,
  outcome,
  comment,
  ttlMs,
  passkey: signature?.passkeyId ?? null,
  // Stays when what was signed is deleted with a recording.
  signedSha256: signature?.signed ? createHash('sha256').update(signature.signed).digest('hex') : null,
});

/** What an approval says of where it leads. */
export const APPROVED_RESOURCE_SELECT = {
  id: true,
  name: true,
  host: true,
  port: true,
  database: true,
  labels: true,
} as const satisfies Prisma.ResourceSelect;

/** What verbs and views read of a grant: never its verifier, its token's hash or the task's salt. */
export const GRANT_SELECT = {
  id: true,
  taskId: true,
  taskRevision: true,
  workflowId: true,
  workflowRevision: true,
  pinned: true,
  parentId: true,
  rootId: true,
  depth: true,
  ancestorIds: true,
  ownerIds: true,
  authorityIds: true,
  step: true,
  document: true,
  narrowing: true,
  limits: true,
  identityId: true,
  reason: true,
  ticket: true,
  state: true,
  endReason: true,
  endedById: true,
  exitCode: true,
  ttlMs: true,
  approvalsNeeded: true,
  approverGroups: true,
  stepUp: true,
  confirmedAt: true,
  requestedAt: true,
  requestExpiresAt: true,
  activatedAt: true,
  expiresAt: true,
  endedAt: true,
  task: { select: { name: true, resource: { select: APPROVED_RESOURCE_SELECT } } },
  workflow: { select: { name: true } },
  identity: {
    select: {
      ...PERSON_SELECT,
      actsForId: true,
      disabledAt: true,
      actsFor: { select: { ...PERSON_SELECT.actsFor.select, disabledAt: true } },
    },
  },
  approvals: {
    select: ANSWER_SELECT,
    orderBy: { at: 'asc' },
  },
  _count: { select: { sessions: true } },
} as const satisfies Prisma.GrantSelect;

export type GrantRow = Prisma.GrantGetPayload<{ select: typeof GRANT_SELECT }>;

/** A row that names its task: of a grant that opens something. */
export type OfTask<R> = { [K in keyof R]: K extends 'task' | 'taskId' | 'taskRevision' ? NonNullable<R[K]> : R[K] };
export type TaskGrantRow = OfTask<GrantRow>;

/** The row as that of a task's grant. Throws `invalid-state` for a workflow's: it opens nothing. */
export function requireTaskGrant<R extends { readonly task: object | null }>(row: R): OfTask<R> {
  if (row.task !== null) return row as OfTask<R>;
  throw ofWorkflow();
}

export const ofWorkflow = (): TaskgateError =>
  new TaskgateError(
    'invalid-state',
    'this is the grant of a workflow, which opens nothing itself; start one of its steps and use that step’s token',
  );

/** What it is called: by its task, or its workflow. */
export function nameOf(row: {
  readonly task: { readonly name: string } | null;
  readonly workflow: { readonly name: string } | null;
}): string {
  return (row.task ?? row.workflow)!.name;
}

export function toGrantStatus(row: GrantRow): GrantStatus {
  return {
    state: row.state as GrantState,
    requestedBy: row.identityId,
    ttlMs: row.ttlMs,
    approvalsNeeded: row.approvalsNeeded,
    approvedBy: row.approvals.filter((answer) => answer.outcome === 'approved').map((answer) => answer.userId),
    requestExpiresAt: row.requestExpiresAt.getTime(),
    expiresAt: row.expiresAt?.getTime() ?? null,
    endedAt: row.endedAt?.getTime() ?? null,
    endReason: row.endReason as GrantEndReason | null,
  };
}

/** The columns of a status, for the update that moves a grant on. */
export function toGrantColumns(status: GrantStatus) {
  return {
    state: status.state,
    ttlMs: status.ttlMs,
    expiresAt: status.expiresAt === null ? null : new Date(status.expiresAt),
    endedAt: status.endedAt === null ? null : new Date(status.endedAt),
    endReason: status.endReason,
  };
}

/**
 * Locks the tree that a grant stands in until the transaction ends: verbs on one tree come one after the other, so that of
 * two racing ones the second sees what the first did, and what ends leaves nothing alive that was being made.
 */
export async function lockTree(tx: Transaction, grantId: string): Promise<void> {
  await tx.$queryRaw`select id from grants where id = (select "rootId" from grants where id = ${grantId}) for update`;
}

/** The same of many trees, by their roots; in one order, whoever else ends some. */
export async function lockTrees(tx: Transaction, rootIds: readonly string[]): Promise<void> {
  await tx.$queryRaw`select id from grants where id = any(${[...rootIds]}::text[]) order by id for update`;
}

/** The row, locked with its whole tree; `null` where there is none. */
export async function lockGrant(tx: Transaction, id: string): Promise<GrantRow | null> {
  await lockTree(tx, id);
  await tx.$queryRaw`select id from grants where id = ${id} for update`;
  return tx.grant.findUnique({ where: { id }, select: GRANT_SELECT });
}

/** What an audit row says of a grant. */
export function toGrantAudit(row: GrantRow) {
  const { task, workflow, identity, approvals, _count, document, ...columns } = row;
  return {
    ...columns,
    task: task?.name ?? null,
    workflow: workflow?.name ?? null,
    approvals: approvals.map(toAnswerAudit),
  };
}
