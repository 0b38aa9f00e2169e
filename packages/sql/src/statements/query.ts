import type { OutputColumn, StatementClass } from '@taskgate/core';
import { checkShape } from '../check-shape.ts';
import type { Env } from '../env.ts';
import { bodyAt, type Fields, nodesAt, type PgNode, textAt } from '../node.ts';
import { NO_RESULT, type QueryResult, requireKnownPositions } from '../query-result.ts';
import { resolveRelation } from '../resolve-relation.ts';
import { EMPTY_SCOPE } from '../scope.ts';
import { analyzeQuery } from '../select.ts';
import { meaning, type StatementMeaning } from './statement-meaning.ts';

export interface CheckedQuery {
  readonly result: QueryResult;
  readonly parameterCount: number;
  /** Data-modifying statements in it, at any depth, itself among them. */
  readonly writes: number;
  /** One of them is not the query itself. */
  readonly hidesWrites: boolean;
}

/** Notes what in a tree is not known; gives whether all of it is. */
export function requireKnownShape(
  env: Env,
  node: PgNode,
): { readonly known: boolean; readonly parameterCount: number } {
  const shape = checkShape(node);
  if (shape.tooLarge) {
    env.out.unknown('too-large', 'the statement has too many or too deep parts; split it or use parameters');
  }
  for (const { what, location } of shape.strange) {
    env.out.unknown('unsupported', `\`${what}\` is not analysed; write it another way`, location);
  }
  return { known: !shape.tooLarge && shape.strange.length === 0, parameterCount: shape.parameterCount };
}

/** Analyses a query whose every node and field is known; else only notes why not. */
export function analyzeCheckedQuery(env: Env, query: PgNode): CheckedQuery {
  const shape = checkShape(query);
  const hidesWrites = shape.writes > (query.kind === 'SelectStmt' ? 0 : 1);
  const counts = { parameterCount: shape.parameterCount, writes: shape.writes, hidesWrites };
  if (shape.tooLarge) {
    env.out.unknown('too-large', 'the statement has too many or too deep parts; split it or use parameters');
    return { result: NO_RESULT, ...counts };
  }
  for (const { what, location } of shape.strange) {
    env.out.unknown('unsupported', `\`${what}\` is not analysed; write it another way`, location);
  }
  return { result: analyzeQuery(env, query, EMPTY_SCOPE), ...counts };
}

/** The columns of a result as the client sees them. */
export function outputOf(env: Env, result: QueryResult): readonly OutputColumn[] {
  requireKnownPositions(env, result);
  const columns = result.columns.map(({ name, lineage }) => ({ name, sources: lineage.sources, plain: lineage.plain }));
  return result.open ? [...columns, { name: '*', sources: [], plain: true }] : columns;
}

const QUERY_CLASSES: ReadonlyMap<string, StatementClass> = new Map([
  ['SelectStmt', 'select'],
  ['InsertStmt', 'insert'],
  ['UpdateStmt', 'update'],
  ['DeleteStmt', 'delete'],
  ['MergeStmt', 'merge'],
]);

export function isQuery(statement: PgNode): boolean {
  return QUERY_CLASSES.has(statement.kind);
}

/** A select, insert, update, delete or merge of its own. */
export function analyzeQueryStatement(env: Env, statement: PgNode): StatementMeaning {
  const statementClass = QUERY_CLASSES.get(statement.kind) ?? 'other';
  const { result, parameterCount, writes, hidesWrites } = analyzeCheckedQuery(env, statement);
  const returns = statementClass === 'select' || returnsRows(statement.fields);
  const countsItsWrite = statementClass !== 'select' && writes === 1 && writesToTable(env, statement.fields);
  const target = countsItsWrite && statementClass !== 'merge' ? targetName(statement.fields) : null;
  return meaning(statementClass, statementClass.toUpperCase(), {
    output: returns ? outputOf(env, result) : null,
    parameterCount,
    countsItsWrite,
    plainWrite: target === null ? null : { target, returns },
    hidesWrites,
  });
}

export function returnsRows(statement: Fields): boolean {
  const clause = bodyAt(statement, 'returningClause') ?? statement;
  return nodesAt(clause, clause === statement ? 'returningList' : 'exprs').length > 0;
}

function targetName(statement: Fields): string | null {
  const relation = bodyAt(statement, 'relation') ?? {};
  return textAt(bodyAt(relation, 'alias') ?? {}, 'aliasname') ?? textAt(relation, 'relname');
}

/** Whether the command tag counts the rows of the target: not through a view, not where a rule rewrites the write. */
function writesToTable(env: Env, statement: Fields): boolean {
  const known = resolveRelation(env, bodyAt(statement, 'relation') ?? {})?.known ?? null;
  return known !== null && known.rules.length === 0 && (known.kind === 'table' || known.kind === 'partitioned-table');
}
