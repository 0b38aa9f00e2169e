import { type GrantEvent, nextGrantStatus, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { cancelHolds } from '../holds/cancel-holds.ts';
import { notifyChange } from '../live/notify-change.ts';
import { type GrantAction, whyNotGrant } from './grant-actions.ts';
import { GRANT_SELECT, type GrantRow, lockGrant, toGrantAudit, toGrantColumns, toGrantStatus } from './grant-row.ts';
import { toGrantFacts } from './to-grant-view.ts';
import { isVisibleGrant } from './visible-grants.ts';

/** The locked row, where the person may see it and do that with it. A grant of somebody else does not exist for them. */
export async function lockGrantFor(
  tx: Transaction,
  actor: IdentityActor,
  id: string,
  action: GrantAction,
  now: number,
): Promise<GrantRow> {
  const row = await lockGrant(tx, id);
  if (row === null || !isVisibleGrant(actor, row)) throw new TaskgateError('not-found', `there is no grant \`${id}\``);
  const refusal = whyNotGrant(action, actor, toGrantFacts(row), now);
  if (refusal !== null) throw refusal;
  return row;
}

/**
 * Moves a locked grant on by `event`, with its audit row and its notification. The state is part of the update's
 * condition: whatever else changed the row meanwhile, this change is made to the state that was judged, or not at all.
 */
export async function changeGrant(
  tx: Transaction,
  ctx: ServiceContext,
  row: GrantRow,
  event: GrantEvent,
  options: {
    readonly now: number;
    readonly action: string;
    readonly also?: Prisma.GrantUpdateManyMutationInput & { readonly endedById?: string };
    /** The person's answer, written with it. */
    readonly answer?: Prisma.ApprovalUncheckedCreateInput;
  },
): Promise<GrantRow> {
  const status = nextGrantStatus(toGrantStatus(row), event, options.now);
  if (options.answer !== undefined) await tx.approval.create({ data: options.answer });
  const { count } = await tx.grant.updateMany({
    where: { id: row.id, state: row.state },
    data: { ...toGrantColumns(status), ...options.also },
  });
  if (count !== 1) throw new TaskgateError('conflict', 'the grant changed meanwhile; look at it again');
  const after = await tx.grant.findUniqueOrThrow({ where: { id: row.id }, select: GRANT_SELECT });
  await emitAudit(tx, ctx, {
    action: options.action,
    subjectKind: 'grant',
    subject: row.id,
    before: toGrantAudit(row),
    after: toGrantAudit(after),
  });
  if (status.state === 'ended') {
    await cancelHolds(tx, ctx, { grantId: row.id }, options.now);
    if (event.kind !== 'end-with-parent') await endBelow(tx, ctx, row, options.now);
  }
  await notifyChange(tx, {
    topic: 'grants',
    id: row.id,
    userId: row.identityId,
    groups: row.approverGroups,
    ...(status.endReason === null ? {} : { change: 'ended', reason: status.endReason }),
  });
  return after;
}

/** Ends every grant below one that has ended. The tree is locked: none can be made meanwhile. */
async function endBelow(tx: Transaction, ctx: ServiceContext, row: GrantRow, now: number): Promise<void> {
  const below = await tx.grant.findMany({
    where: { rootId: row.rootId, ancestorIds: { has: row.id }, state: { not: 'ended' } },
    orderBy: [{ depth: 'asc' }, { id: 'asc' }],
    select: GRANT_SELECT,
  });
  for (const one of below)
    await changeGrant(tx, ctx, one, { kind: 'end-with-parent' }, { now, action: 'grant.end-with-parent' });
}
