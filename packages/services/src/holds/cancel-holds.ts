import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { changeHold } from './change-hold.ts';
import { lockHold } from './hold-row.ts';

/** Nothing waits under a grant or a session that has ended. */
export async function cancelHolds(
  tx: Transaction,
  ctx: ServiceContext,
  under: { readonly grantId: string } | { readonly sessionId: string },
  now: number,
): Promise<void> {
  const waiting = await tx.hold.findMany({
    where: { ...under, state: 'waiting' },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  for (const { id } of waiting) {
    const row = await lockHold(tx, id);
    if (row?.state === 'waiting') await changeHold(tx, ctx, row, 'cancelled', { now, action: 'hold.cancel' });
  }
}
