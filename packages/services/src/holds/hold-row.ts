import type { Prisma, Transaction } from '@taskgate/db';
import {
  ANSWER_SELECT,
  APPROVED_RESOURCE_SELECT,
  type OfTask,
  requireTaskGrant,
  toAnswerAudit,
} from '../grants/grant-row.ts';
import { PERSON_SELECT } from '../grants/person-ref.ts';

export const HOLD_STATES = ['waiting', 'approved', 'refused', 'timed-out', 'cancelled'] as const;
export type HoldStateName = (typeof HOLD_STATES)[number];

export const HOLD_SELECT = {
  id: true,
  grantId: true,
  sessionId: true,
  decisionId: true,
  statement: true,
  parameters: true,
  binding: true,
  statementClass: true,
  relations: true,
  reasons: true,
  affectsMax: true,
  estimate: true,
  dryRun: true,
  state: true,
  approverGroups: true,
  approvalsNeeded: true,
  stepUp: true,
  createdAt: true,
  expiresAt: true,
  endedAt: true,
  redeemedAt: true,
  grant: {
    select: {
      identityId: true,
      ownerIds: true,
      authorityIds: true,
      taskId: true,
      taskRevision: true,
      document: true,
      limits: true,
      reason: true,
      ticket: true,
      identity: { select: PERSON_SELECT },
      task: { select: { name: true, resource: { select: APPROVED_RESOURCE_SELECT } } },
    },
  },
  approvals: {
    select: ANSWER_SELECT,
    orderBy: { at: 'asc' },
  },
} as const satisfies Prisma.HoldSelect;

type Stored = Prisma.HoldGetPayload<{ select: typeof HOLD_SELECT }>;
export type HoldRow = Omit<Stored, 'grant'> & { readonly grant: OfTask<Stored['grant']> };

/** Holds are of grants of tasks: under a workflow's no statement runs. */
export const toHoldRow = (row: Stored): HoldRow => ({ ...row, grant: requireTaskGrant(row.grant) });

/** The row, locked until the transaction ends; `null` where there is none. */
export async function lockHold(tx: Transaction, id: string): Promise<HoldRow | null> {
  await tx.$queryRaw`select id from holds where id = ${id} for update`;
  const row = await tx.hold.findUnique({ where: { id }, select: HOLD_SELECT });
  return row && toHoldRow(row);
}

/** What an audit row says of a hold: what it binds to, never what it says, which is its readers'. */
export function toHoldAudit(row: HoldRow) {
  return {
    id: row.id,
    grantId: row.grantId,
    sessionId: row.sessionId,
    decisionId: row.decisionId,
    binding: row.binding,
    statementClass: row.statementClass,
    state: row.state,
    approverGroups: row.approverGroups,
    approvalsNeeded: row.approvalsNeeded,
    stepUp: row.stepUp,
    approvals: row.approvals.map(toAnswerAudit),
    expiresAt: row.expiresAt,
    endedAt: row.endedAt,
    redeemedAt: row.redeemedAt,
  };
}
