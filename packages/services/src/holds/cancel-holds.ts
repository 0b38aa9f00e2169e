import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudits } from '../emit-audit.ts';
import { notifyChanges } from '../live/notify-change.ts';
import { toHoldNotice } from './change-hold.ts';
import { HOLD_SELECT, toHoldAudit, toHoldRow } from './hold-row.ts';

/** Nothing waits under grants or a session that have ended: in few statements, however many holds there are. */
export async function cancelHolds(
  tx: Transaction,
  ctx: ServiceContext,
  under: { readonly grantId: { readonly in: string[] } } | { readonly sessionId: string },
  now: number,
): Promise<void> {
  const found = await tx.hold.findMany({ where: { ...under, state: 'waiting' }, select: { id: true } });
  if (found.length === 0) return;
  const ids = found.map(({ id }) => id);
  await tx.$queryRaw`select id from holds where id = any(${ids}::text[]) order by id for update`;
  const waiting = await tx.hold.findMany({ where: { id: { in: ids }, state: 'waiting' }, select: HOLD_SELECT });
  const rows = waiting.map(toHoldRow);
  const cancelled = { state: 'cancelled', endedAt: new Date(now) };
  await tx.hold.updateMany({ where: { id: { in: rows.map(({ id }) => id) } }, data: cancelled });
  await emitAudits(
    tx,
    ctx,
    rows.map((row) => ({
      action: 'hold.cancel',
      subjectKind: 'hold',
      subject: row.id,
      before: toHoldAudit(row),
      after: toHoldAudit({ ...row, ...cancelled }),
    })),
  );
  await notifyChanges(tx, rows.map(toHoldNotice));
}
