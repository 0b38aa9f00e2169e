import type { ColumnUseContext } from '@taskgate/core';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { COMPOSITE_FUNCTION_FIELDS, isHarmlessFunction, rowTypeOf } from './functions-allowed.ts';
import { computedFrom, type Lineage } from './lineage.ts';
import { bodyAt, type Fields, locationOf, namesOf, nodeAt, nodesAt } from './node.ts';
import { evaluateWindow } from './order-and-group.ts';
import type { Scope } from './scope.ts';

/** Notes the function and what its arguments use; every argument can reach the result. */
export function analyzeFunctionCall(env: Env, call: Fields, scope: Scope, context: ColumnUseContext | null): Lineage {
  noteFunction(env, call);
  const inner = context ?? 'expression';
  const parts = nodesAt(call, 'args').map((arg) => evaluate(env, arg, scope, inner));
  for (const sort of nodesAt(call, 'agg_order')) {
    const key = nodeAt(sort.fields, 'node');
    if (key !== null) parts.push(evaluate(env, key, scope, 'sort'));
  }
  const filter = nodeAt(call, 'agg_filter');
  if (filter !== null) parts.push(evaluate(env, filter, scope, 'predicate'));
  const over = bodyAt(call, 'over');
  if (over !== null) parts.push(...evaluateWindow(env, over, scope));
  const name = namesOf(nodesAt(call, 'funcname')).at(-1) ?? '';
  const lineage = computedFrom(parts);
  return COMPOSITE_FUNCTION_FIELDS.has(name) ? { ...lineage, type: rowTypeOf(name) } : lineage;
}

/** Notes the function of a FuncCall, whether it is certainly the built-in one and harmless. */
export function noteFunction(env: Env, call: Fields): void {
  const names = namesOf(nodesAt(call, 'funcname'));
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? (names.at(-2) ?? null) : null;
  const location = locationOf(call);
  if (names.length > 2 && names.at(-3) !== env.catalog.catalog.database) {
    env.out.unknown('unsupported', `function \`${names.join('.')}\` is in another database`, location);
  }
  // A function of the same name on the path could fit the arguments better than the built-in one.
  const builtin = schema === null ? !env.catalog.hasFunction(name, env.searchPath) : true;
  env.out.calls(schema, name, builtin && isHarmlessFunction(schema ?? 'pg_catalog', name), location);
}
