import type { Env } from './env.ts';
import { computedFrom, type Lineage } from './lineage.ts';
import { bodyAt, type Fields, flagAt, locationOf, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { type QueryResult, requireKnownPositions, resultColumn } from './query-result.ts';
import type { CteColumns, Scope, ScopeColumn } from './scope.ts';
import { analyzeQuery, analyzeSelect } from './select.ts';
import { SQL_LIMITS } from './sql-limits.ts';

/** The common table expressions of one level; each sees those before it and the levels around. */
export function analyzeWith(env: Env, withClause: Fields | null, outer: Scope): ReadonlyMap<string, CteColumns> {
  const ctes = new Map<string, CteColumns>();
  if (withClause === null) return ctes;
  const scope: Scope = { items: [], ctes, parent: outer };
  const nodes = nodesAt(withClause, 'ctes');
  const recursive = flagAt(withClause, 'recursive');
  // In `with recursive` every name hides a table of the same name from the start.
  if (recursive) for (const node of nodes) ctes.set(textAt(node.fields, 'ctename') ?? '', 'pending');
  for (const { fields } of nodes) {
    const name = textAt(fields, 'ctename') ?? '';
    const query = nodeAt(fields, 'ctequery');
    if (query === null) continue;
    const result = recursive
      ? analyzeRecursive(env, fields, name, query, ctes, scope)
      : analyzeQuery(env, query, scope);
    ctes.set(name, withSearchAndCycle(env, fields, cteColumns(env, fields, result)));
  }
  return ctes;
}

function cteColumns(env: Env, cte: Fields, result: QueryResult): Exclude<CteColumns, 'pending'> {
  const names = namesOf(nodesAt(cte, 'aliascolnames'));
  if (names.length > 0) requireKnownPositions(env, result);
  const columns = result.columns.map((column, index) => resultColumn(names[index] ?? column.name, column.lineage));
  return { columns, open: result.open };
}

/** Repeats the query with what is known of its own columns until that settles. */
function analyzeRecursive(
  env: Env,
  cte: Fields,
  name: string,
  query: PgNode,
  ctes: Map<string, CteColumns>,
  scope: Scope,
): QueryResult {
  const start = bodyAt(query.fields, 'larg');
  if (query.kind !== 'SelectStmt' || start === null) return analyzeQuery(env, query, scope);
  const inner: Scope = { items: [], ctes: analyzeWithOf(env, query, scope), parent: scope };
  let result = analyzeSelect(env, start, inner);
  for (let round = 0; round < SQL_LIMITS.recursiveRounds; round += 1) {
    ctes.set(name, cteColumns(env, cte, result));
    const next = analyzeQuery(env, query, scope);
    if (sameLineage(result, next)) return next;
    result = next;
  }
  env.out.unknown('too-large', `the recursive query \`${name}\` does not settle`, locationOf(cte));
  return result;
}

/** A WITH inside the recursive query may name the query only in its second half, so here it stays pending. */
function analyzeWithOf(env: Env, query: PgNode, scope: Scope): ReadonlyMap<string, CteColumns> {
  return analyzeWith(env, bodyAt(query.fields, 'withClause'), scope);
}

function sameLineage(one: QueryResult, other: QueryResult): boolean {
  return (
    one.columns.length === other.columns.length &&
    one.columns.every((column, index) => {
      const match = other.columns[index]!.lineage;
      return column.lineage.sources.length === match.sources.length && column.lineage.plain === match.plain;
    })
  );
}

/** SEARCH and CYCLE add columns made of those they list. */
function withSearchAndCycle(env: Env, cte: Fields, columns: Exclude<CteColumns, 'pending'>): CteColumns {
  const added: ScopeColumn[] = [];
  const listed = (clause: Fields, field: string, as: 'sort' | 'group'): Lineage => {
    const names = namesOf(nodesAt(clause, field));
    const parts = columns.columns.filter((column) => names.includes(column.name)).map((column) => column.lineage);
    const lineage = computedFrom(parts);
    env.out.use(lineage.sources, as, locationOf(clause));
    return lineage;
  };
  const search = bodyAt(cte, 'search_clause');
  if (search !== null) {
    added.push(resultColumn(textAt(search, 'search_seq_column') ?? '', listed(search, 'search_col_list', 'sort')));
  }
  const cycle = bodyAt(cte, 'cycle_clause');
  if (cycle !== null) {
    const lineage = listed(cycle, 'cycle_col_list', 'group');
    for (const field of ['cycle_mark_value', 'cycle_mark_default']) {
      const value = nodeAt(cycle, field);
      if (value !== null && value.kind !== 'A_Const' && value.kind !== 'TypeCast') {
        env.out.unknown('unsupported', 'a cycle mark must be a constant', locationOf(cycle));
      }
    }
    added.push(resultColumn(textAt(cycle, 'cycle_mark_column') ?? '', lineage));
    added.push(resultColumn(textAt(cycle, 'cycle_path_column') ?? '', lineage));
  }
  return added.length === 0 ? columns : { ...columns, columns: [...columns.columns, ...added] };
}
