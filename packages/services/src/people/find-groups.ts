import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';

/** Ids of groups by name. Throws `bad-input` naming the ones that do not exist. */
export async function findGroupIds(tx: Transaction, names: readonly string[]): Promise<readonly string[]> {
  const wanted = [...new Set(names)];
  const groups = await tx.group.findMany({ where: { name: { in: wanted } }, select: { id: true, name: true } });
  const missing = wanted.find((name) => !groups.some((group) => group.name === name));
  if (missing !== undefined)
    throw new TaskgateError('bad-input', `there is no group \`${missing}\`; make it first`, {
      problems: [{ path: 'groups', message: `there is no group \`${missing}\``, position: null }],
    });
  return groups.map((group) => group.id);
}
