import { TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { whyNotActive } from '../grants/grant-actions.ts';
import { GRANT_SELECT, requireTaskGrant, type TaskGrantRow, toGrantStatus } from '../grants/grant-row.ts';
import { isDisabled } from '../people/user-view.ts';

/** The grant where a session may stand on it now. Throws `grant-ended`, `grant-expired`, and `invalid-state` for a workflow's. */
export async function requireActiveGrant(db: Transaction, grantId: string, now: number): Promise<TaskGrantRow> {
  const row = await db.grant.findUnique({ where: { id: grantId }, select: GRANT_SELECT });
  if (row === null) throw new TaskgateError('grant-ended', 'the grant does not exist any more');
  const refusal = whyNotActive(toGrantStatus(row), now);
  if (refusal !== null) throw refusal;
  if (isDisabled(row.identity))
    throw new TaskgateError('grant-ended', 'the grant has ended: its owner, or whom they act for, was disabled');
  return requireTaskGrant(row);
}

/** Grants on which a session may stand at `now`, as a condition. */
export const activeGrant = (now: number): Prisma.GrantWhereInput => ({
  state: 'active',
  expiresAt: { gt: new Date(now) },
});
