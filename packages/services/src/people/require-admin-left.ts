import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { BY_HAND } from './user-view.ts';

/**
 * Called after a change, in its serializable transaction: rolls back what would leave nobody who can change people
 * whatever a sign-in provider or the directory does: with a password here, and put among the admins by hand. Throws
 * `invalid-state`.
 */
export async function requireAdminLeft(tx: Transaction): Promise<void> {
  const admins = await tx.identity.count({
    where: {
      kind: 'person',
      disabledAt: null,
      passwordHash: { not: null },
      memberships: { some: { source: BY_HAND, group: { roles: { has: 'admin' } } } },
    },
  });
  if (admins === 0)
    throw new TaskgateError(
      'invalid-state',
      'this would leave nobody with the role `admin`, given by hand, and a password here; give that to somebody else first',
    );
}
