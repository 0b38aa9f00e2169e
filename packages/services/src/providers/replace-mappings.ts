import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { findGroups } from '../people/find-groups.ts';
import { requireNoEscalation } from '../people/require-no-escalation.ts';
import { type GroupMappingView, loadMappings } from './provider-row.ts';

/** All mappings of a source from now on. Throws `bad-input` for a group that is not there. The caller writes the audit row. */
export async function replaceMappings(
  tx: Transaction,
  ctx: ServiceContext,
  source: string,
  mappings: readonly GroupMappingView[],
): Promise<void> {
  const groups = await findGroups(
    tx,
    mappings.map(({ group }) => group),
  );
  // Who keeps the provider would else give themself what the mapped group may. What stays is not of their doing.
  const keyOf = ({ external, group }: GroupMappingView): string => `${group} ${external}`;
  const before = await loadMappings(tx, source);
  const [old, next] = [new Set(before.map(keyOf)), new Set(mappings.map(keyOf))];
  const changed = [...before, ...mappings].filter((one) => !old.has(keyOf(one)) || !next.has(keyOf(one)));
  requireNoEscalation(
    ctx,
    await findGroups(
      tx,
      changed.map(({ group }) => group),
    ),
  );
  const idOf = new Map(groups.map(({ id, name }) => [name, id]));
  await tx.groupMapping.deleteMany({ where: { source } });
  await tx.groupMapping.createMany({
    data: mappings.map(({ external, group }) => ({ source, external, groupId: idOf.get(group)! })),
    skipDuplicates: true,
  });
}
