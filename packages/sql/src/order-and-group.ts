import type { ColumnUseContext } from '@taskgate/core';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { bodyAt, type Fields, locationOf, namesOf, nodeAt, nodesAt, numberAt, type PgNode } from './node.ts';
import { noteOperator } from './operators.ts';
import { findColumn, type Scope, type ScopeColumn } from './scope.ts';

/** ORDER BY: output names and positions come before input columns. */
export function evaluateSort(
  env: Env,
  sortClause: readonly PgNode[],
  scope: Scope,
  outputs: readonly ScopeColumn[],
): void {
  for (const sort of sortClause) {
    const key = nodeAt(sort.fields, 'node');
    if (key !== null) evaluateKey(env, key, scope, outputs, 'sort', false);
    const operator = namesOf(nodesAt(sort.fields, 'useOp'));
    if (operator.length > 0) noteOperator(env, operator, locationOf(sort.fields));
  }
}

/** GROUP BY and DISTINCT ON. */
export function evaluateGroup(
  env: Env,
  keys: readonly PgNode[],
  scope: Scope,
  outputs: readonly ScopeColumn[],
  inputFirst: boolean,
): void {
  for (const key of keys) {
    if (key.kind === 'GroupingSet') {
      evaluateGroup(env, nodesAt(key.fields, 'content'), scope, outputs, inputFirst);
    } else if (key.kind === 'RowExpr' || key.kind === 'List') {
      evaluateGroup(env, nodesAt(key.fields, key.kind === 'List' ? 'items' : 'args'), scope, outputs, inputFirst);
    } else {
      evaluateKey(env, key, scope, outputs, 'group', inputFirst);
    }
  }
}

function evaluateKey(
  env: Env,
  key: PgNode,
  scope: Scope,
  outputs: readonly ScopeColumn[],
  context: ColumnUseContext,
  inputFirst: boolean,
): void {
  const location = locationOf(key.fields);
  if (key.kind === 'A_Const') {
    const integer = bodyAt(key.fields, 'ival');
    if (integer === null) return;
    const output = outputs[numberAt(integer, 'ival') - 1];
    if (output === undefined) env.out.unknown('unresolved', 'a position is not in the select list', location);
    else env.out.use(output.lineage.sources, context, location);
    return;
  }
  const names = key.kind === 'ColumnRef' ? namesOf(nodesAt(key.fields, 'fields')) : [];
  if (names.length === 1) {
    const named = outputs.filter((output) => output.name === names[0]);
    for (const output of named) env.out.use(output.lineage.sources, context, location);
    const input = inputFirst && findColumn(scope, names[0]!).kind === 'column';
    if (named.length > 0 && !input) return;
  }
  evaluate(env, key, scope, context);
}

/** A window's definition, in OVER or in WINDOW. What it orders by and partitions by reaches the result. */
export function evaluateWindow(env: Env, window: Fields, scope: Scope): readonly Lineage[] {
  const parts = nodesAt(window, 'partitionClause').map((key) => evaluate(env, key, scope, 'group'));
  for (const sort of nodesAt(window, 'orderClause')) {
    const key = nodeAt(sort.fields, 'node');
    if (key !== null) parts.push(evaluate(env, key, scope, 'sort'));
    const operator = namesOf(nodesAt(sort.fields, 'useOp'));
    if (operator.length > 0) noteOperator(env, operator, locationOf(sort.fields));
  }
  for (const field of ['startOffset', 'endOffset']) {
    const offset = nodeAt(window, field);
    if (offset !== null) parts.push(evaluate(env, offset, scope, 'expression'));
  }
  return parts.length === 0 ? [NO_SOURCE] : [computedFrom(parts)];
}
