import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { notifyChange } from '../live/notify-change.ts';
import { revokeGrantsBeyond } from './end-access.ts';
import { BY_HAND, FROM_DIRECTORY } from './user-view.ts';

export interface MembershipChange {
  readonly userId: string;
  readonly source: string;
  readonly group: string;
  readonly change: 'given' | 'taken';
}

const AT_ONCE = 1000;

/**
 * Makes the memberships of these people that come from outside what the providers and the directory say now, by the
 * mappings of now; what an admin gave by hand stays. Who leaves a group so loses the grants that came with it.
 * The caller writes the audit row, and is alone with people.
 */
export async function syncMemberships(
  tx: Transaction,
  ctx: ServiceContext,
  identityIds: readonly string[],
): Promise<readonly MembershipChange[]> {
  const changes: MembershipChange[] = [];
  for (let start = 0; start < identityIds.length; start += AT_ONCE)
    changes.push(...(await syncSome(tx, ctx, identityIds.slice(start, start + AT_ONCE))));
  return changes;
}

async function syncSome(
  tx: Transaction,
  ctx: ServiceContext,
  identityIds: readonly string[],
): Promise<readonly MembershipChange[]> {
  const ids = [...identityIds];
  const named = await loadNamedGroups(tx, ids);
  const mappings = await tx.groupMapping.findMany({
    where: { source: { in: [...new Set(named.map(({ source }) => source))] } },
    select: { source: true, external: true, groupId: true },
  });
  const groupsOf = new Map<string, string[]>();
  for (const { source, external, groupId } of mappings) {
    const key = `${source} ${external}`;
    groupsOf.set(key, [...(groupsOf.get(key) ?? []), groupId]);
  }
  const due = new Map<string, { userId: string; groupId: string; source: string }>();
  for (const { userId, source, external } of named)
    for (const groupId of groupsOf.get(`${source} ${external}`) ?? [])
      due.set(keyOf({ userId, groupId, source }), { userId, groupId, source });

  const standing = await tx.membership.findMany({
    where: { userId: { in: ids }, source: { not: BY_HAND } },
    select: { userId: true, groupId: true, source: true },
  });
  const over = standing.filter((row) => !due.has(keyOf(row)));
  const held = new Set(standing.map(keyOf));
  const missing = [...due.values()].filter((row) => !held.has(keyOf(row)));
  for (const row of over) await tx.membership.delete({ where: { userId_groupId_source: row } });
  await tx.membership.createMany({ data: missing });
  if (over.length > 0) await revokeGrantsBeyond(tx, ctx, [...new Set(over.map(({ userId }) => userId))]);

  const changed = [...over, ...missing];
  for (const userId of new Set(changed.map((row) => row.userId)))
    await notifyChange(tx, { topic: 'people', id: userId, userId });
  const names = await tx.group.findMany({ where: { id: { in: changed.map(({ groupId }) => groupId) } } });
  const nameOf = new Map(names.map(({ id, name }) => [id, name]));
  return changed.map((row) => ({
    userId: row.userId,
    source: row.source,
    group: nameOf.get(row.groupId) ?? row.groupId,
    change: held.has(keyOf(row)) ? 'taken' : 'given',
  }));
}

const keyOf = (row: { readonly userId: string; readonly groupId: string; readonly source: string }): string =>
  `${row.userId} ${row.groupId} ${row.source}`;

/** Which groups outside name these people. A provider that is turned off names nobody. */
async function loadNamedGroups(
  tx: Transaction,
  ids: string[],
): Promise<readonly { readonly userId: string; readonly source: string; readonly external: string }[]> {
  const links = await tx.providerLink.findMany({
    where: { identityId: { in: ids }, provider: { enabled: true } },
    select: { identityId: true, providerId: true, groups: true },
  });
  const members = await tx.directoryMember.findMany({
    where: { identityId: { in: ids }, user: { removedAt: null } },
    select: { identityId: true, group: { select: { displayName: true } } },
  });
  return [
    ...links.flatMap(({ identityId, providerId, groups }) =>
      groups.map((external) => ({ userId: identityId, source: providerId, external })),
    ),
    ...members.map(({ identityId, group }) => ({
      userId: identityId,
      source: FROM_DIRECTORY,
      external: group.displayName,
    })),
  ];
}
