import type { ResolvedRelation } from './collector.ts';
import type { Env } from './env.ts';
import type { Lineage } from './lineage.ts';
import type { ScopeColumn } from './scope.ts';

export interface ResultColumn {
  readonly name: string;
  readonly lineage: Lineage;
}

/** What a query gives back. */
export interface QueryResult {
  readonly columns: readonly ScopeColumn[];
  /** `*` of a system relation is among the columns: there are more, none of them ours, at unknown places. */
  readonly open: boolean;
  /** Relations that `for update` on this query would lock. */
  readonly bases: readonly ResolvedRelation[];
}

export const NO_RESULT: QueryResult = { columns: [], open: false, bases: [] };

/** A column of a finished query: what it read was noted when it was analysed. */
export function resultColumn(name: string, lineage: Lineage): ScopeColumn {
  return { name, lineage, reads: [], computedFrom: [] };
}

/** Where columns count by position, an unknown number of system columns may not stand among ours. */
export function requireKnownPositions(env: Env, result: Pick<QueryResult, 'columns' | 'open'>): void {
  if (result.open && result.columns.some((column) => column.lineage.sources.length > 0)) {
    env.out.unknown('unsupported', '`*` of a system relation beside other columns is not analysed; name the columns');
  }
}
