import type { AccessVerb, RelationAccess } from '@taskgate/core';
import type { ResolvedRelation } from './collector.ts';
import type { Env } from './env.ts';

const WRITES: ReadonlySet<AccessVerb> = new Set(['insert', 'update', 'delete', 'truncate', 'lock']);

/** What an access to a view reaches in turn. A write to a view may write to whatever its definition reads. */
export function expandAccess(env: Env, relation: ResolvedRelation, verb: AccessVerb): readonly RelationAccess[] {
  if (relation.system || (verb !== 'select' && !WRITES.has(verb))) return [];
  const known = env.catalog.relation(relation.schema, relation.name);
  if (known === null || (known.kind !== 'view' && known.kind !== 'materialized-view')) return [];
  const { accesses } = env.views.define(known);
  if (verb === 'select') return accesses;
  return [...accesses, ...asWrites(accesses, verb)];
}

/** A view over a view is written to in turn, down to the tables. */
function asWrites(reads: readonly RelationAccess[], verb: AccessVerb): readonly RelationAccess[] {
  return reads
    .filter((access) => access.verb === 'select')
    .map((access) => ({ ...access, verb, expands: [...access.expands, ...asWrites(access.expands, verb)] }));
}
