import { TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { type Change, notifyChange } from '../live/notify-change.ts';
import { type HoldAction, isVisibleHold, whyNotHold } from './hold-actions.ts';
import { HOLD_SELECT, type HoldRow, type HoldStateName, lockHold, toHoldAudit, toHoldRow } from './hold-row.ts';

/** The locked row, where the person may see it and do that with it. */
export async function lockHoldFor(
  tx: Transaction,
  actor: IdentityActor,
  id: string,
  action: HoldAction,
  now: number,
): Promise<HoldRow> {
  const row = await lockHold(tx, id);
  if (row === null || !isVisibleHold(actor, row)) throw new TaskgateError('not-found', `there is no hold \`${id}\``);
  const refusal = whyNotHold(action, actor, row, now);
  if (refusal !== null) throw refusal;
  return row;
}

/** Moves a locked, waiting hold on, with the person's answer, its audit row and its notification. */
export async function changeHold(
  tx: Transaction,
  ctx: ServiceContext,
  row: HoldRow,
  state: HoldStateName,
  options: { readonly now: number; readonly action: string; readonly answer?: Prisma.ApprovalUncheckedCreateInput },
): Promise<HoldRow> {
  if (options.answer !== undefined) await tx.approval.create({ data: options.answer });
  const { count } = await tx.hold.updateMany({
    where: { id: row.id, state: 'waiting' },
    data: { state, endedAt: state === 'waiting' ? null : new Date(options.now) },
  });
  if (count !== 1) throw new TaskgateError('conflict', 'the hold changed meanwhile; look at it again');
  const after = toHoldRow(await tx.hold.findUniqueOrThrow({ where: { id: row.id }, select: HOLD_SELECT }));
  await emitAudit(tx, ctx, {
    action: options.action,
    subjectKind: 'hold',
    subject: row.id,
    before: toHoldAudit(row),
    after: toHoldAudit(after),
  });
  await notifyHold(tx, row);
  return after;
}

export const notifyHold = (tx: Transaction, row: HoldRow): Promise<void> => notifyChange(tx, toHoldNotice(row));

export const toHoldNotice = (row: HoldRow): Change => ({
  topic: 'holds',
  id: row.id,
  userId: row.grant.identityId,
  groups: row.approverGroups,
});
