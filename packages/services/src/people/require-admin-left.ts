import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';

/**
 * Called after a change, in its serializable transaction: rolls back what would leave nobody who can change people.
 * Throws `invalid-state`.
 */
export async function requireAdminLeft(tx: Transaction): Promise<void> {
  const admins = await tx.identity.count({
    where: { kind: 'person', disabledAt: null, memberships: { some: { group: { roles: { has: 'admin' } } } } },
  });
  if (admins === 0)
    throw new TaskgateError(
      'invalid-state',
      'this would leave nobody with the role `admin`; give it to somebody else first',
    );
}
