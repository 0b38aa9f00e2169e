import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { TaskGrantRow } from '../grants/grant-row.ts';
import { loadPinnedTask, toResourceFacts } from '../grants/load-terms.ts';
import type { WallTwoView } from './check-wall-two.ts';
import { taskPrivileges } from './task-privileges.ts';

/**
 * Throws `principal-unavailable` where the resource insists on a role for each grant and this grant cannot have one, as
 * far as the store knows: a token that opens nothing is not given out. What the target says is asked when it is used.
 */
export async function requirePrincipal(tx: Transaction, grant: TaskGrantRow): Promise<void> {
  const row = await tx.resource.findUniqueOrThrow({ where: { id: grant.task.resource.id } });
  if (row.principals !== 'per-grant') return;
  const refuse = (why: string): TaskgateError =>
    new TaskgateError(
      'principal-unavailable',
      `the resource \`${row.name}\` gives each grant a role of its own, and this one cannot have it: ${why}`,
    );
  const wallTwo = row.wallTwo as WallTwoView | null;
  if (wallTwo?.state === 'missing') throw refuse(wallTwo.lacking.map((one) => one.what).join('; '));
  const catalog = await readStoredCatalog(tx, row.id);
  if (catalog === null) return;
  const facts = toResourceFacts(row);
  const pinned = await loadPinnedTask(tx, grant, facts);
  const task = { name: grant.task.name, revision: grant.taskRevision };
  const { needsOwner } = await taskPrivileges(task, pinned, facts, catalog);
  if (needsOwner.length > 0)
    throw refuse(
      `its task allows ${needsOwner.map((one) => `\`${one}\``).join(', ')}, for which a role must own what it works on`,
    );
}
