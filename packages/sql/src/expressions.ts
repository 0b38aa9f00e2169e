import type { ColumnUseContext } from '@taskgate/core';
import { argumentType, operandType } from './argument-type.ts';
import { castLineage } from './casts.ts';
import { evaluateColumnRef } from './column-ref.ts';
import { noteSilentCasts } from './conversions.ts';
import { type Env, spendStep } from './env.ts';
import { analyzeFunctionCall } from './function-calls.ts';
import { evaluateIndirection } from './indirection.ts';
import { evaluateJson } from './json-expressions.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { bodyAt, type Fields, locationOf, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { ANALYSED_EXPRESSION_KINDS, noteOperator, operatorsOf } from './operators.ts';
import type { Scope } from './scope.ts';
import { evaluateSubLink } from './sub-link.ts';

/**
 * Where the values of an expression come from. `context` says what it is used for; `null`: its value goes on as it is,
 * so that only what changes it on the way is a use.
 */
export function evaluate(env: Env, node: PgNode, scope: Scope, context: ColumnUseContext | null): Lineage {
  spendStep(env.budget);
  const { fields } = node;
  const inner = context ?? 'expression';
  const parts = (nodes: readonly PgNode[], as: ColumnUseContext = inner) =>
    nodes.map((part) => evaluate(env, part, scope, as));
  const optional = (field: string, as: ColumnUseContext | null = inner): readonly Lineage[] => {
    const part = nodeAt(fields, field);
    return part === null ? [] : [evaluate(env, part, scope, as)];
  };
  switch (node.kind) {
    case 'A_Const':
      return constantLineage(fields);
    case 'ParamRef':
      // A client may say of what type it is.
      noteSilentCasts(env);
      return NO_SOURCE;
    case 'SQLValueFunction':
    case 'SetToDefault':
    case 'MergeSupportFunc':
      return NO_SOURCE;
    case 'ColumnRef':
      return evaluateColumnRef(env, fields, scope, context);
    case 'A_Expr':
      return evaluateOperator(env, fields, scope, inner);
    case 'BoolExpr':
    case 'MinMaxExpr':
      return computedFrom(parts(nodesAt(fields, 'args')));
    case 'CoalesceExpr':
      return computedFrom(parts(nodesAt(fields, 'args')));
    case 'NullTest':
    case 'BooleanTest':
      return computedFrom(optional('arg'));
    case 'NamedArgExpr':
      return computedFrom(optional('arg'));
    case 'CollateClause':
      return optional('arg', context)[0] ?? NO_SOURCE;
    case 'TypeCast': {
      const from = optional('arg', context)[0] ?? NO_SOURCE;
      const typeName = bodyAt(fields, 'typeName');
      return typeName === null ? from : castLineage(env, typeName, from, context, locationOf(fields));
    }
    case 'CaseExpr': {
      const whens = nodesAt(fields, 'args');
      const tested = nodeAt(fields, 'arg');
      const testedLineage = optional('arg', 'predicate');
      const conditions = whens.flatMap((when) => {
        const condition = nodeAt(when.fields, 'expr');
        if (condition === null) return [];
        const lineage = evaluate(env, condition, scope, 'predicate');
        // `case x when y` compares with `=`.
        if (tested !== null) {
          const left = argumentType(tested, testedLineage[0] ?? NO_SOURCE);
          const right = argumentType(condition, lineage);
          // What is tested is of a type before it is compared: a literal is text.
          noteOperator(env, ['='], locationOf(fields), { left: left === 'unknown' ? 'text' : left, right });
        }
        return [lineage];
      });
      const results = whens.flatMap((when) => {
        const result = nodeAt(when.fields, 'result');
        return result === null ? [] : [evaluate(env, result, scope, inner)];
      });
      return computedFrom([...testedLineage, ...conditions, ...results, ...optional('defresult')]);
    }
    case 'FuncCall':
      return analyzeFunctionCall(env, fields, scope, context);
    case 'GroupingFunc':
      return computedFrom(parts(nodesAt(fields, 'args')));
    case 'A_ArrayExpr':
      return computedFrom(parts(nodesAt(fields, 'elements')));
    case 'RowExpr':
      return computedFrom(parts(nodesAt(fields, 'args')));
    case 'List':
      return computedFrom(parts(nodesAt(fields, 'items')));
    case 'SubLink':
      return evaluateSubLink(env, fields, scope, context);
    case 'A_Indirection':
      return evaluateIndirection(env, fields, scope, context);
    case 'CurrentOfExpr':
      // The cursor's own declaration was decided; it names no column.
      env.out.unknown('unsupported', '`where current of` is not analysed; name the row by its key', locationOf(fields));
      return NO_SOURCE;
    default:
      return evaluateJson(env, node, scope, inner);
  }
}

function constantLineage(fields: Fields): Lineage {
  return { ...NO_SOURCE, type: bodyAt(fields, 'sval') === null ? null : 'text' };
}

function evaluateOperator(env: Env, fields: Fields, scope: Scope, context: ColumnUseContext): Lineage {
  const kind = textAt(fields, 'kind') ?? '';
  if (!ANALYSED_EXPRESSION_KINDS.has(kind)) {
    env.out.unknown('unsupported', `\`${kind}\` is not analysed`, locationOf(fields));
  }
  const side = (field: string): readonly [PgNode, Lineage] | null => {
    const node = nodeAt(fields, field);
    return node === null ? null : [node, evaluate(env, node, scope, context)];
  };
  const left = side('lexpr');
  const right = side('rexpr');
  const operands = { ...(left && { left: operandType(...left) }), right: right && operandType(...right, kind) };
  const isRow = [left, right].some((one) => one?.[0].kind === 'RowExpr');
  for (const names of operatorsOf(kind, namesOf(nodesAt(fields, 'name')))) {
    noteOperator(env, names, locationOf(fields), isRow ? undefined : operands);
  }
  return computedFrom([left, right].flatMap((one) => (one === null ? [] : [one[1]])));
}
