import { type GroupRights, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';

export type FoundGroup = { readonly id: string; readonly name: string } & GroupRights;

/** Groups by name. Throws `bad-input` naming the ones that do not exist. */
export async function findGroups(tx: Transaction, names: readonly string[]): Promise<readonly FoundGroup[]> {
  const wanted = [...new Set(names)];
  const groups = await tx.group.findMany({
    where: { name: { in: wanted } },
    select: { id: true, name: true, roles: true, scopes: true, withheld: true },
  });
  const missing = wanted.find((name) => !groups.some((group) => group.name === name));
  if (missing !== undefined)
    throw new TaskgateError('bad-input', `there is no group \`${missing}\`; make it first`, {
      problems: [{ path: 'groups', message: `there is no group \`${missing}\``, position: null }],
    });
  return groups;
}
