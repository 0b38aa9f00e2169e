import type { ColumnUseContext } from '@taskgate/core';
import { argumentType } from './argument-type.ts';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { type Fields, locationOf, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { noteOperator } from './operators.ts';
import type { Scope } from './scope.ts';
import { analyzeQuery } from './select.ts';
import { bareType } from './type-name.ts';

/** A query inside an expression. */
export function evaluateSubLink(env: Env, fields: Fields, scope: Scope, context: ColumnUseContext | null): Lineage {
  const location = locationOf(fields);
  const subselect = nodeAt(fields, 'subselect');
  if (subselect === null) return NO_SOURCE;
  const type = textAt(fields, 'subLinkType') ?? '';
  const result = analyzeQuery(env, type === 'EXISTS_SUBLINK' ? withoutStar(subselect) : subselect, scope);
  const values = result.columns.map((column) => column.lineage);
  const useAll = (as: ColumnUseContext) => {
    for (const value of values) env.out.use(value.sources, as, location);
  };
  switch (type) {
    case 'EXISTS_SUBLINK':
      return NO_SOURCE;
    case 'EXPR_SUBLINK':
      env.subLinkNames.set(fields, result.columns[0]?.name ?? '');
      if (context !== null) useAll(context);
      return values.length === 1 ? values[0]! : computedFrom(values);
    case 'ARRAY_SUBLINK':
      useAll(context ?? 'expression');
      return computedFrom(values);
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      const names = namesOf(nodesAt(fields, 'operName'));
      // Plain IN has no operator of its own: it is `=`.
      const test = nodeAt(fields, 'testexpr');
      const tested = test === null ? [] : [evaluate(env, test, scope, 'predicate')];
      const [left, right] = [tested[0], values[0]];
      const operands =
        test === null || test.kind === 'RowExpr' || left === undefined || right === undefined
          ? undefined
          : { left: argumentType(test, left), right: right.type === null ? null : bareType(right.type) };
      noteOperator(env, names.length === 0 ? ['='] : names, location, operands);
      useAll('predicate');
      return computedFrom([...tested, ...values]);
    }
    default:
      env.out.unknown('unsupported', `\`${type}\` is not analysed`, location);
      return computedFrom(values);
  }
}

/** `exists (select * from ...)` looks at no column: the server throws the list away. */
function withoutStar(query: PgNode): PgNode {
  const isPlain = ['targetList', 'fromClause', 'whereClause'];
  const only = nodesAt(query.fields, 'targetList');
  const value = only.length === 1 ? nodeAt(only[0]!.fields, 'val') : null;
  const names = value?.kind === 'ColumnRef' ? nodesAt(value.fields, 'fields') : [];
  const isStar = names.length === 1 && names[0]!.kind === 'A_Star';
  const other = Object.keys(query.fields).filter(
    (field) => !isPlain.includes(field) && !/^(op|limitOption)$/.test(field),
  );
  if (query.kind !== 'SelectStmt' || !isStar || other.length > 0) return query;
  const { targetList: _star, ...rest } = query.fields;
  return { kind: query.kind, fields: rest };
}
