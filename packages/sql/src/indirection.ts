import type { ColumnUseContext } from '@taskgate/core';
import { columnOf, relationOf, wholeRow } from './column-ref.ts';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { rowTypeHasField } from './functions-allowed.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { type Fields, locationOf, namesOf, nodeAt, nodesAt, type PgNode } from './node.ts';
import { findColumn, findRelation, type Scope, type ScopeRelation } from './scope.ts';

/** `(t).column`, `(f(x)).field`, `x[1]`, `x[1:2]`. A field of anything else may be a function call in disguise. */
export function evaluateIndirection(env: Env, fields: Fields, scope: Scope, context: ColumnUseContext | null): Lineage {
  const arg = nodeAt(fields, 'arg');
  const steps = nodesAt(fields, 'indirection');
  const first = steps[0];
  if (arg === null || first === undefined) return NO_SOURCE;
  if (first.kind === 'A_Indices') return evaluateIndices(env, arg, steps, scope, context);
  const name = namesOf([first])[0] ?? '';
  if (steps.length === 1) {
    const relation = rowOf(env, arg, scope);
    if (relation !== null) {
      if (name === '*') return wholeRow(env, relation, context, locationOf(arg.fields));
      return columnOf(env, relation, name, context, locationOf(arg.fields));
    }
  }
  const lineage = evaluate(env, arg, scope, context ?? 'expression');
  if (steps.length === 1 && rowTypeHasField(lineage.type, name)) return computedFrom([lineage]);
  env.out.unknown(
    'unsupported',
    `field \`${name}\` of an expression is not analysed; name a column`,
    locationOf(arg.fields),
  );
  return NO_SOURCE;
}

/** The relation whose whole row `arg` is, as in `(t).x`, or `null`. */
export function rowOf(env: Env, arg: PgNode, scope: Scope): ScopeRelation | null {
  if (arg.kind !== 'ColumnRef') return null;
  const names = namesOf(nodesAt(arg.fields, 'fields'));
  if (names.length === 1) {
    if (findColumn(scope, names[0]!).kind === 'column') return null;
    const relation = findRelation(scope, null, names[0]!);
    return relation === 'ambiguous' ? null : relation;
  }
  if (names.at(-1) !== '*') return null;
  return relationOf(env, names.slice(0, -1), scope, locationOf(arg.fields));
}

function evaluateIndices(
  env: Env,
  arg: PgNode,
  steps: readonly PgNode[],
  scope: Scope,
  context: ColumnUseContext | null,
): Lineage {
  const inner = context ?? 'expression';
  const parts = [evaluate(env, arg, scope, inner)];
  for (const step of steps) {
    if (step.kind !== 'A_Indices') {
      env.out.unknown('unsupported', 'a field of an array element is not analysed', locationOf(arg.fields));
      continue;
    }
    for (const bound of [nodeAt(step.fields, 'lidx'), nodeAt(step.fields, 'uidx')]) {
      if (bound !== null) parts.push(evaluate(env, bound, scope, inner));
    }
  }
  return computedFrom(parts);
}
