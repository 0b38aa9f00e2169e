import { scopesOfGroup, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { BY_HAND } from './user-view.ts';

/**
 * Called after a change, in its transaction, alone with people: rolls back what would leave nobody who can change people
 * whatever a sign-in provider or the directory does: with a password here, and put among the admins by hand. Throws
 * `invalid-state`.
 */
export async function requireAdminLeft(tx: Transaction): Promise<void> {
  const groups = await tx.group.findMany({
    where: { roles: { has: 'admin' } },
    select: { id: true, roles: true, scopes: true, withheld: true },
  });
  const able = groups.filter((group) => scopesOfGroup(group).includes('people:write')).map((group) => group.id);
  const admins = await tx.identity.count({
    where: {
      kind: 'person',
      disabledAt: null,
      passwordHash: { not: null },
      memberships: { some: { source: BY_HAND, groupId: { in: able } } },
    },
  });
  if (admins === 0)
    throw new TaskgateError(
      'invalid-state',
      'this would leave nobody with the role `admin` who may change people, given by hand, and a password here; give that to somebody else first',
    );
}
