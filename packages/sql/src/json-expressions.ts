import type { ColumnUseContext } from '@taskgate/core';
import { checkCastType } from './casts.ts';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { bodyAt, type Fields, isFields, locationOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { evaluateWindow } from './order-and-group.ts';
import type { Scope } from './scope.ts';
import { analyzeQuery } from './select.ts';

/** The SQL/JSON constructors and predicates of Postgres 16 and later; anything else is an unknown. */
export function evaluateJson(env: Env, node: PgNode, scope: Scope, context: ColumnUseContext): Lineage {
  const { kind, fields } = node;
  switch (kind) {
    case 'JsonObjectConstructor':
    case 'JsonArrayConstructor':
      return withOutput(
        env,
        fields,
        nodesAt(fields, 'exprs').map((one) => evaluate(env, one, scope, context)),
      );
    case 'JsonKeyValue': {
      const key = nodeAt(fields, 'key');
      const parts = key === null ? [] : [evaluate(env, key, scope, context)];
      return computedFrom([...parts, ...body(env, 'JsonValueExpr', fields.value, scope, context)]);
    }
    case 'JsonValueExpr': {
      const raw = nodeAt(fields, 'raw_expr');
      return computedFrom(raw === null ? [] : [evaluate(env, raw, scope, context)]);
    }
    case 'JsonIsPredicate':
    case 'JsonScalarExpr': {
      const expr = nodeAt(fields, 'expr');
      return withOutput(env, fields, expr === null ? [] : [evaluate(env, expr, scope, context)]);
    }
    case 'JsonParseExpr':
    case 'JsonSerializeExpr':
      return withOutput(env, fields, body(env, 'JsonValueExpr', fields.expr, scope, context));
    case 'JsonArrayQueryConstructor': {
      const query = nodeAt(fields, 'query');
      if (query === null) return NO_SOURCE;
      const result = analyzeQuery(env, query, scope);
      for (const column of result.columns) env.out.use(column.lineage.sources, context, locationOf(fields));
      return withOutput(
        env,
        fields,
        result.columns.map((column) => column.lineage),
      );
    }
    case 'JsonFuncExpr':
      return withOutput(env, fields, queried(env, fields, scope, context));
    case 'JsonObjectAgg':
      return aggregate(env, fields, body(env, 'JsonKeyValue', fields.arg, scope, context), scope);
    case 'JsonArrayAgg':
      return aggregate(env, fields, body(env, 'JsonValueExpr', fields.arg, scope, context), scope);
    default:
      env.out.unknown('unsupported', `\`${kind}\` is not analysed; write it another way`, locationOf(fields));
      return NO_SOURCE;
  }
}

/** What JSON_QUERY, JSON_VALUE, JSON_EXISTS and JSON_TABLE look at, and what they give where there is nothing. */
function queried(env: Env, fields: Fields, scope: Scope, context: ColumnUseContext): readonly Lineage[] {
  const path = nodeAt(fields, 'pathspec') ?? nodeAt(bodyAt(fields, 'pathspec') ?? {}, 'string');
  return [
    ...body(env, 'JsonValueExpr', fields.context_item, scope, context),
    ...(path === null ? [] : [evaluate(env, path, scope, context)]),
    ...nodesAt(fields, 'passing').flatMap((one) => body(env, 'JsonValueExpr', one.fields.val, scope, context)),
    ...['on_empty', 'on_error'].flatMap((field) => {
      const other = nodeAt(bodyAt(fields, field) ?? {}, 'expr');
      return other === null ? [] : [evaluate(env, other, scope, context)];
    }),
  ];
}

/** The columns of JSON_TABLE, nested ones after the others as the server has them: everything can reach each of them. */
export function jsonTableColumns(
  env: Env,
  table: Fields,
  scope: Scope,
): readonly { readonly name: string; readonly lineage: Lineage }[] {
  const parts = [...queried(env, table, scope, 'expression')];
  const names: string[] = [];
  const add = (columns: readonly PgNode[]): void => {
    for (const { fields } of columns) {
      parts.push(...queried(env, fields, scope, 'expression'));
      if (textAt(fields, 'coltype') !== 'JTC_NESTED') names.push(textAt(fields, 'name') ?? '');
    }
    for (const { fields } of columns) add(nodesAt(fields, 'columns'));
  };
  const columns = nodesAt(table, 'columns');
  add(columns);
  const lineage = computedFrom(parts);
  const check = (list: readonly PgNode[]): void => {
    for (const { fields } of list) {
      const typeName = bodyAt(fields, 'typeName');
      if (typeName !== null) checkCastType(env, typeName, lineage);
      check(nodesAt(fields, 'columns'));
    }
  };
  check(columns);
  return names.map((name) => ({ name, lineage }));
}

function body(env: Env, kind: string, value: unknown, scope: Scope, context: ColumnUseContext): readonly Lineage[] {
  return isFields(value) ? [evaluate(env, { kind, fields: value }, scope, context)] : [];
}

function withOutput(env: Env, fields: Fields, parts: readonly Lineage[]): Lineage {
  const lineage = computedFrom(parts);
  const typeName = bodyAt(bodyAt(fields, 'output') ?? {}, 'typeName');
  if (typeName !== null) checkCastType(env, typeName, lineage);
  return lineage;
}

function aggregate(env: Env, fields: Fields, arg: readonly Lineage[], scope: Scope): Lineage {
  const aggregated = bodyAt(fields, 'constructor') ?? {};
  const parts = [...arg];
  for (const sort of nodesAt(aggregated, 'agg_order')) {
    const key = nodeAt(sort.fields, 'node');
    if (key !== null) parts.push(evaluate(env, key, scope, 'sort'));
  }
  const filter = nodeAt(aggregated, 'agg_filter');
  if (filter !== null) parts.push(evaluate(env, filter, scope, 'predicate'));
  const over = bodyAt(aggregated, 'over');
  if (over !== null) parts.push(...evaluateWindow(env, over, scope));
  return withOutput(env, aggregated, parts);
}
