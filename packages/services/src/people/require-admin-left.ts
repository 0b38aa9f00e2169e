import { scopesOfGroup, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';

/**
 * Called after a change, in its serializable transaction: rolls back what would leave nobody who can change people.
 * Throws `invalid-state`.
 */
export async function requireAdminLeft(tx: Transaction): Promise<void> {
  const groups = await tx.group.findMany({
    where: { roles: { has: 'admin' } },
    select: { id: true, roles: true, scopes: true, withheld: true },
  });
  const able = groups.filter((group) => scopesOfGroup(group).includes('people:write')).map((group) => group.id);
  const admins = await tx.identity.count({
    where: { kind: 'person', disabledAt: null, memberships: { some: { groupId: { in: able } } } },
  });
  if (admins === 0)
    throw new TaskgateError(
      'invalid-state',
      'this would leave nobody with the role `admin` who may change people; give it to somebody else first',
    );
}
