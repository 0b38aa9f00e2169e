import type { GrantTree } from '@taskgate/contracts';
import type { PostgresCatalog } from '@taskgate/core';
import type { Database } from '@taskgate/db';
import { compilePolicySet, principalPrivileges } from '@taskgate/policy';
import type * as z from 'zod';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { isReader } from '../sessions/session-access.ts';
import type { GrantRow } from './grant-row.ts';
import { loadPinnedTask, type PinnedTask, toResourceFacts } from './load-terms.ts';

type Unused = NonNullable<z.infer<typeof GrantTree>['nodes'][number]['unused']>;

/** What a page can show of one grant. */
const MAX_LISTED = 100;

interface Given {
  readonly verb: string;
  readonly relation: string;
  readonly columns: readonly string[];
}

/**
 * What each grant's document gives, on the catalog as last read, and neither it nor a grant below it has used. `null`
 * where that is not known, or the caller may not read what was asked under it.
 */
export async function loadUnused(
  ctx: ServiceContext,
  actor: IdentityActor,
  rootId: string,
  rows: readonly GrantRow[],
): Promise<(grantId: string) => Unused | null> {
  const { db } = ctx.services;
  const used = await loadUsed(db, rootId);
  const given = await loadGiven(db, actor, rows);
  return (grantId) => {
    const all = given.get(grantId);
    if (all === undefined) return null;
    const unused: Unused = [];
    for (const { verb, relation, columns } of all) {
      const of = used.get(`${grantId} ${verb} ${relation}`);
      if (of === undefined) unused.push({ verb, relation, columns: null });
      else {
        const left = columns.filter((column) => !of.has(column));
        if (left.length > 0 && verb !== 'delete' && verb !== 'truncate') unused.push({ verb, relation, columns: left });
      }
    }
    return unused.slice(0, MAX_LISTED);
  };
}

/** Columns that were reached, by grant, verb and relation: of every grant with all below it. */
async function loadUsed(db: Database, rootId: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await db.$queryRaw<{ ids: string[]; verb: string; relation: string; column: string }[]>`
    select distinct g."ancestorIds" || g.id as ids, c.verb, c.relation, c."column"
    from grants g join sessions s on s."grantId" = g.id join operations o on o."sessionId" = s.id
    join reached_columns c on c."reachId" = o."reachId"
    where g."rootId" = ${rootId} and o.outcome <> 'deny'
      and coalesce(o.result, 'unknown') not in ('refused', 'cancelled', 'skipped')`;
  const used = new Map<string, Set<string>>();
  for (const { ids, verb, relation, column } of rows)
    for (const id of ids) {
      const key = `${id} ${verb} ${relation}`;
      const known = used.get(key);
      if (known === undefined) used.set(key, new Set([column]));
      else known.add(column);
    }
  return used;
}

async function loadGiven(
  db: Database,
  actor: IdentityActor,
  rows: readonly GrantRow[],
): Promise<ReadonlyMap<string, readonly Given[]>> {
  const { isAllowedSystemRelation } = await import('@taskgate/sql');
  const catalogs = new Map<string, PostgresCatalog | null>();
  const known = new Map<string, readonly Given[] | null>();
  const given = new Map<string, readonly Given[]>();
  for (const row of rows) {
    const { task, taskId, taskRevision, document } = row;
    if (task === null || taskId === null || taskRevision === null) continue;
    const own = row.ownerIds.includes(actor.identityId);
    // Of grants with the same document once.
    const key = `${own} ${taskId} ${taskRevision} ${document ?? ''}`;
    let found = known.get(key);
    if (found === undefined) {
      const resourceId = task.resource.id;
      if (!catalogs.has(resourceId)) catalogs.set(resourceId, await readStoredCatalog(db, resourceId));
      const catalog = catalogs.get(resourceId) ?? null;
      const facts = await db.resource.findUniqueOrThrow({
        where: { id: resourceId },
        select: { name: true, labels: true },
      });
      const resource = toResourceFacts(facts);
      const pinned = await loadPinnedTask(db, { taskId, taskRevision, document }, resource);
      const readable =
        own || (actor.scopes.includes('session:read') && isReader(actor, pinned.source, pinned.policies, facts));
      found =
        catalog === null || !readable
          ? null
          : givenBy({ name: task.name, revision: taskRevision }, pinned, resource, catalog, isAllowedSystemRelation);
      known.set(key, found);
    }
    if (found !== null) given.set(row.id, found);
  }
  return given;
}

function givenBy(
  task: { readonly name: string; readonly revision: number },
  { document, policies }: PinnedTask,
  resource: ReturnType<typeof toResourceFacts>,
  catalog: PostgresCatalog,
  isAllowedSystemRelation: Parameters<typeof compilePolicySet>[0]['isAllowedSystemRelation'],
): readonly Given[] {
  const set = compilePolicySet({
    task: { ...task, document },
    policies,
    resource,
    catalog,
    ...(isAllowedSystemRelation === undefined ? {} : { isAllowedSystemRelation }),
  });
  return principalPrivileges(set, catalog).relations.map(({ privilege, schema, name, oid, columns }) => ({
    verb: privilege.toLowerCase(),
    relation: `${schema}.${name}`,
    columns: columns ?? catalog.relations.find((one) => one.oid === oid)?.columns.map((column) => column.name) ?? [],
  }));
}
