import { createId, type GrantLimits, type GrantStatus, initialGrantStatus, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { GRANT_SELECT, type GrantRow, toGrantAudit, toGrantColumns } from './grant-row.ts';
import type { GrantSubject } from './grant-subject.ts';

/** How long an approval that nobody used, or a request that needs none, stands. */
const UNUSED_GRANT_MS = 24 * 3_600_000;
/** Requests and approved grants of one identity at a time: a loop in a script must not fill the reviewers' inbox. */
const MAX_OPEN_GRANTS = 50;

export interface NewGrant {
  readonly subject: GrantSubject;
  readonly identityId: string;
  readonly reason: string | null;
  readonly ticket: string | null;
  readonly ttlMs: number;
  /** `null`: nobody is asked. */
  readonly approvals: GrantSubject['terms']['approvals'];
  /** What of it needs its owner's, or its approvers', passkey. */
  readonly stepUp: GrantSubject['terms']['stepUp'];
  readonly action: 'grant.request' | 'grant.mint';
  /** What it stands under, with how it is narrower; `null`: a root. The tree is locked by the caller. */
  readonly under: {
    readonly parent: GrantRow;
    readonly step: string | null;
    readonly limits: GrantLimits;
  } | null;
  /** The task's document as narrowed, and what was asked for; `null`: as its revision is. */
  readonly document: string | null;
  readonly narrowing: object | null;
}

/** Writes a new grant's row: `requested`, or `approved` where nobody is asked. The caller has locked the identity. */
export async function insertGrant(tx: Transaction, ctx: ServiceContext, grant: NewGrant): Promise<GrantRow> {
  const { subject, identityId, approvals, under } = grant;
  const now = ctx.services.clock.now();
  const open = await tx.grant.count({ where: { identityId, state: { in: ['requested', 'approved'] } } });
  if (open >= MAX_OPEN_GRANTS)
    throw new TaskgateError('rate-limited', `there are ${open} grants that were not used yet; end some first`);
  const status: GrantStatus = initialGrantStatus({
    requestedBy: identityId,
    ttlMs: grant.ttlMs,
    approvalsNeeded: approvals?.count ?? 0,
    requestExpiresAt: now + (approvals?.timeoutMs ?? UNUSED_GRANT_MS),
  });
  const id = createId('grt', now, ctx.services.randomBytes);
  const row = await tx.grant.create({
    data: {
      ...toGrantColumns(status),
      ...toColumns(subject.columns),
      ...(under === null
        ? { rootId: id, depth: 0, ownerIds: [identityId], authorityIds: await authorityOf(tx, identityId) }
        : {
            parentId: under.parent.id,
            rootId: under.parent.rootId,
            depth: under.parent.depth + 1,
            ancestorIds: [...under.parent.ancestorIds, under.parent.id],
            ownerIds: [...under.parent.ownerIds, identityId],
            authorityIds: [...new Set([...under.parent.authorityIds, ...(await authorityOf(tx, identityId))])],
            step: under.step,
            limits: { ...under.limits },
          }),
      document: grant.document,
      ...(grant.narrowing === null ? {} : { narrowing: grant.narrowing as Prisma.InputJsonObject }),
      id,
      identityId,
      reason: grant.reason,
      ticket: grant.ticket,
      approvalsNeeded: status.approvalsNeeded,
      approverGroups: [...(approvals?.from ?? [])],
      stepUp: grant.stepUp,
      requestedAt: new Date(now),
      requestExpiresAt: new Date(status.requestExpiresAt),
    },
    select: GRANT_SELECT,
  });
  await emitAudit(tx, ctx, {
    action: grant.action,
    subjectKind: 'grant',
    subject: row.id,
    before: null,
    after: toGrantAudit(row),
  });
  await notifyChange(tx, { topic: 'grants', id: row.id, userId: row.identityId, groups: row.approverGroups });
  return row;
}

/** The identity, and whom it acts for. */
async function authorityOf(tx: Transaction, identityId: string): Promise<string[]> {
  const { actsForId } = await tx.identity.findUniqueOrThrow({ where: { id: identityId }, select: { actsForId: true } });
  return actsForId === null ? [identityId] : [identityId, actsForId];
}

function toColumns(columns: GrantSubject['columns']) {
  return 'pinned' in columns ? { ...columns, pinned: { ...columns.pinned } } : columns;
}
