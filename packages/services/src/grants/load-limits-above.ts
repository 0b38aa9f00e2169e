import type { GrantLimits } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { GRANT_SELECT } from './grant-row.ts';
import { loadSubject } from './grant-subject.ts';

/** What the grants above one are limited to as of now, the root first: a policy of a moment ago narrows them too. */
export async function loadLimitsAbove(
  tx: Transaction,
  ancestorIds: readonly string[],
): Promise<readonly { readonly grantId: string; readonly limits: GrantLimits }[]> {
  if (ancestorIds.length === 0) return [];
  const rows = await tx.grant.findMany({
    where: { id: { in: [...ancestorIds] } },
    select: GRANT_SELECT,
    orderBy: { depth: 'asc' },
  });
  const above = [];
  for (const row of rows) above.push({ grantId: row.id, limits: (await loadSubject(tx, row)).terms.limits });
  return above;
}
