import type { Transaction } from '@taskgate/db';
import { findGroupIds } from '../people/find-groups.ts';
import type { GroupMappingView } from './provider-row.ts';

/** All mappings of a source from now on. Throws `bad-input` for a group that is not there. The caller writes the audit row. */
export async function replaceMappings(
  tx: Transaction,
  source: string,
  mappings: readonly GroupMappingView[],
): Promise<void> {
  await findGroupIds(
    tx,
    mappings.map(({ group }) => group),
  );
  const groups = await tx.group.findMany({ select: { id: true, name: true } });
  const idOf = new Map(groups.map(({ id, name }) => [name, id]));
  await tx.groupMapping.deleteMany({ where: { source } });
  await tx.groupMapping.createMany({
    data: mappings.map(({ external, group }) => ({ source, external, groupId: idOf.get(group)! })),
    skipDuplicates: true,
  });
}
