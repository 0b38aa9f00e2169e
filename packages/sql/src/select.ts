import { type Env, spendStep } from './env.ts';
import { evaluate } from './expressions.ts';
import { analyzeFrom } from './from-clause.ts';
import { eitherOf, type Lineage } from './lineage.ts';
import { bodyAt, type Fields, flagAt, locationOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { evaluateGroup, evaluateSort, evaluateWindow } from './order-and-group.ts';
import { NO_RESULT, type QueryResult, requireKnownPositions, resultColumn } from './query-result.ts';
import type { FromItem, Scope, ScopeColumn } from './scope.ts';
import { analyzeDelete } from './statements/delete.ts';
import { analyzeInsert } from './statements/insert.ts';
import { analyzeMerge } from './statements/merge.ts';
import { analyzeUpdate } from './statements/update.ts';
import { evaluateTargets } from './target-list.ts';
import { analyzeWith } from './with-clause.ts';

/** A select or a data-modifying statement, wherever it stands; `outer`: the level that it can see. */
export function analyzeQuery(env: Env, query: PgNode, outer: Scope): QueryResult {
  switch (query.kind) {
    case 'SelectStmt':
      return analyzeSelect(env, query.fields, outer);
    case 'InsertStmt':
      return analyzeInsert(env, query.fields, outer);
    case 'UpdateStmt':
      return analyzeUpdate(env, query.fields, outer);
    case 'DeleteStmt':
      return analyzeDelete(env, query.fields, outer);
    case 'MergeStmt':
      return analyzeMerge(env, query.fields, outer);
    default:
      env.out.unknown('unsupported', `\`${query.kind}\` as a query is not analysed`, locationOf(query.fields));
      return NO_RESULT;
  }
}

export function analyzeSelect(env: Env, select: Fields, outer: Scope): QueryResult {
  spendStep(env.budget);
  const ctes = analyzeWith(env, bodyAt(select, 'withClause'), outer);
  const base: Scope = { items: [], ctes, parent: outer };
  if (bodyAt(select, 'intoClause') !== null) {
    env.out.unknown('unsupported', '`into` is not analysed here; use create table as');
  }
  for (const field of ['limitOffset', 'limitCount']) {
    const limit = nodeAt(select, field);
    if (limit !== null) evaluate(env, limit, base, 'predicate');
  }
  if ((textAt(select, 'op') ?? 'SETOP_NONE') !== 'SETOP_NONE') return analyzeSetOperation(env, select, base);
  if (nodesAt(select, 'valuesLists').length > 0) return analyzeValues(env, select, base);

  const items = analyzeFrom(env, nodesAt(select, 'fromClause'), base);
  const scope: Scope = { ...base, items };
  const where = nodeAt(select, 'whereClause');
  if (where !== null) evaluate(env, where, scope, 'predicate');
  const { columns, open } = evaluateTargets(env, nodesAt(select, 'targetList'), scope);
  const result: QueryResult = { columns, open, bases: items.flatMap((item) => item.bases) };
  evaluateGroup(env, nodesAt(select, 'groupClause'), scope, columns, true);
  const having = nodeAt(select, 'havingClause');
  if (having !== null) evaluate(env, having, scope, 'predicate');
  for (const window of nodesAt(select, 'windowClause')) evaluateWindow(env, window.fields, scope);
  analyzeDistinct(env, select, scope, columns);
  evaluateSort(env, nodesAt(select, 'sortClause'), scope, columns);
  analyzeLocking(env, nodesAt(select, 'lockingClause'), items);
  return result;
}

/** `distinct` is a list of one empty node, `distinct on (...)` a list of expressions. */
function analyzeDistinct(env: Env, select: Fields, scope: Scope, columns: readonly ScopeColumn[]): void {
  const clause = select.distinctClause;
  if (!Array.isArray(clause) || clause.length === 0) return;
  const keys = nodesAt(select, 'distinctClause');
  if (keys.length > 0) evaluateGroup(env, keys, scope, columns, false);
  else for (const column of columns) env.out.use(column.lineage.sources, 'group', 0);
}

function analyzeSetOperation(env: Env, select: Fields, base: Scope): QueryResult {
  const left = analyzeSelect(env, bodyAt(select, 'larg') ?? {}, base);
  const right = analyzeSelect(env, bodyAt(select, 'rarg') ?? {}, base);
  const open = left.open || right.open;
  const sides = [left, right].map((side) => ({ ...side, open }));
  for (const side of sides) requireKnownPositions(env, side);
  if (!open && left.columns.length !== right.columns.length) {
    env.out.unknown('unresolved', 'the two sides of a set operation differ in their number of columns');
  }
  const longer = left.columns.length >= right.columns.length ? left.columns : right.columns;
  const columns = longer.map((column, index) => {
    const lineages = [left.columns[index], right.columns[index]].flatMap((one) => (one ? [one.lineage] : []));
    return resultColumn((left.columns[index] ?? column).name, eitherOf(lineages));
  });
  const removesDuplicates = !flagAt(select, 'all') || textAt(select, 'op') !== 'SETOP_UNION';
  if (removesDuplicates) for (const column of columns) env.out.use(column.lineage.sources, 'group', 0);
  const item: FromItem = { columns, relations: [], bases: [] };
  evaluateSort(env, nodesAt(select, 'sortClause'), { ...base, items: [item] }, columns);
  if (nodesAt(select, 'lockingClause').length > 0) {
    env.out.unknown('unsupported', 'locking the rows of a set operation is not analysed');
  }
  return { columns, open, bases: [...left.bases, ...right.bases] };
}

function analyzeValues(env: Env, select: Fields, base: Scope): QueryResult {
  const rows = nodesAt(select, 'valuesLists').map((row) =>
    nodesAt(row.fields, 'items').map((value) => evaluateCell(env, value, base)),
  );
  const width = Math.max(0, ...rows.slice(0, 1).map((row) => row.length));
  const columns: ScopeColumn[] = [];
  for (let index = 0; index < width; index += 1) {
    const lineages: Lineage[] = rows.flatMap((row) => row[index] ?? []);
    columns.push(resultColumn(`column${index + 1}`, eitherOf(lineages)));
  }
  if (rows.some((row) => row.length !== width)) {
    env.out.unknown('unresolved', 'the rows of values differ in length');
  }
  evaluateSort(
    env,
    nodesAt(select, 'sortClause'),
    { ...base, items: [{ columns, relations: [], bases: [] }] },
    columns,
  );
  return { columns, open: false, bases: [] };
}

/** `t.*` in a row of values becomes several columns, so that those after it would be counted wrong. */
function evaluateCell(env: Env, value: PgNode, scope: Scope): Lineage {
  const steps = nodesAt(value.fields, value.kind === 'ColumnRef' ? 'fields' : 'indirection');
  if (steps.at(-1)?.kind === 'A_Star') {
    env.out.unknown('unsupported', '`*` in values is not analysed; name the columns', locationOf(value.fields));
  }
  return evaluate(env, value, scope, null);
}

function analyzeLocking(env: Env, clauses: readonly PgNode[], items: readonly FromItem[]): void {
  for (const clause of clauses) {
    const names = nodesAt(clause.fields, 'lockedRels').map((rangeVar) => textAt(rangeVar.fields, 'relname') ?? '');
    const locked =
      names.length === 0 ? items : items.filter((item) => item.relations.some((one) => names.includes(one.name)));
    for (const base of locked.flatMap((item) => item.bases)) env.out.access('lock', base);
  }
}
