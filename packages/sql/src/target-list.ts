import { refuseGuarded, relationOf } from './column-ref.ts';
import { type Env, spendStep } from './env.ts';
import { evaluate } from './expressions.ts';
import { COMPOSITE_FUNCTION_FIELDS } from './functions-allowed.ts';
import { rowOf } from './indirection.ts';
import { bodyAt, locationOf, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { resultColumn } from './query-result.ts';
import { referTo, type Scope, type ScopeColumn } from './scope.ts';
import { SQL_LIMITS } from './sql-limits.ts';

export interface TargetColumns {
  readonly columns: readonly ScopeColumn[];
  readonly open: boolean;
}

/** A select list or RETURNING, `*` expanded, with the names that the server gives. */
export function evaluateTargets(env: Env, targets: readonly PgNode[], scope: Scope): TargetColumns {
  const columns: ScopeColumn[] = [];
  let open = false;
  for (const target of targets) {
    const value = nodeAt(target.fields, 'val');
    if (value === null) continue;
    const star = expandStar(env, value, scope);
    if (star !== null) {
      columns.push(...star.columns);
      open ||= star.open;
      continue;
    }
    const lineage = evaluate(env, value, scope, null);
    columns.push(resultColumn(textAt(target.fields, 'name') ?? columnNameOf(value, env), lineage));
  }
  if (columns.length > SQL_LIMITS.columns) {
    env.out.unknown('too-large', `a result has more than ${SQL_LIMITS.columns} columns; name fewer`);
    return { columns: [], open: false };
  }
  return { columns, open };
}

/** The columns of `*`, `t.*`, `(t).*`, `(f(x)).*`; `null` where the node is none of these. */
function expandStar(env: Env, value: PgNode, scope: Scope): TargetColumns | null {
  const location = locationOf(value.fields);
  const take = (columns: readonly ScopeColumn[], open: boolean): TargetColumns => {
    spendStep(env.budget, columns.length);
    return {
      columns: columns.map((column) => resultColumn(column.name, referTo(env.out, column, null, location))),
      open,
    };
  };
  if (value.kind === 'ColumnRef') {
    const names = namesOf(nodesAt(value.fields, 'fields'));
    if (names.at(-1) !== '*') return null;
    if (names.length === 1) {
      for (const item of scope.items) for (const one of item.relations) refuseGuarded(env, one, location);
      const columns = scope.items.flatMap((item) => item.columns);
      return take(
        columns,
        scope.items.some((item) => item.relations.some((relation) => relation.open)),
      );
    }
    const relation = relationOf(env, names.slice(0, -1), scope, location);
    if (relation === null) return { columns: [], open: false };
    refuseGuarded(env, relation, location);
    return take(relation.columns, relation.open);
  }
  if (value.kind !== 'A_Indirection') return null;
  const arg = nodeAt(value.fields, 'arg');
  const steps = namesOf(nodesAt(value.fields, 'indirection'));
  if (arg === null || steps.length !== 1 || steps[0] !== '*') return null;
  const row = rowOf(env, arg, scope);
  if (row !== null) {
    refuseGuarded(env, row, location);
    return take(row.columns, row.open);
  }
  if (arg.kind === 'FuncCall') {
    const fields = COMPOSITE_FUNCTION_FIELDS.get(namesOf(nodesAt(arg.fields, 'funcname')).at(-1) ?? '');
    if (fields !== undefined) {
      const lineage = evaluate(env, arg, scope, null);
      return { columns: fields.map((field) => resultColumn(field, lineage)), open: false };
    }
  }
  return null;
}

/**
 * The name that the server gives to an unnamed column (FigureColname in its parse_target.c). A name that is not the
 * server's would let a name elsewhere mean another column. `env`: the one in which it was analysed.
 */
export function columnNameOf(value: PgNode, env: Env): string {
  return figureName(value, env)?.name ?? '?column?';
}

const JSON_NAMES: Readonly<Record<string, string>> = {
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
};

/** `weak`: a name that a better one of an inner expression replaces. */
function figureName(value: PgNode, env: Env): { readonly name: string; readonly weak: boolean } | null {
  const { fields } = value;
  const inner = (field: string) => {
    const node = nodeAt(fields, field);
    return node === null ? null : figureName(node, env);
  };
  const strong = (name: string | undefined) => (name === undefined || name === '' ? null : { name, weak: false });
  switch (value.kind) {
    case 'ColumnRef':
      return strong(namesOf(nodesAt(fields, 'fields')).findLast((name) => name !== '*' && name !== ''));
    case 'A_Indirection':
      return (
        strong(namesOf(nodesAt(fields, 'indirection')).findLast((name) => name !== '*' && name !== '')) ?? inner('arg')
      );
    case 'FuncCall':
      return strong(namesOf(nodesAt(fields, 'funcname')).at(-1));
    case 'A_Expr':
      return textAt(fields, 'kind') === 'AEXPR_NULLIF' ? strong('nullif') : null;
    case 'TypeCast': {
      const found = inner('arg');
      if (found !== null && !found.weak) return found;
      const type = namesOf(nodesAt(bodyAt(fields, 'typeName') ?? {}, 'names')).at(-1);
      return type === undefined ? found : { name: type, weak: true };
    }
    case 'CollateClause':
      return inner('arg');
    case 'CaseExpr': {
      const found = inner('defresult');
      return found !== null && !found.weak ? found : { name: 'case', weak: true };
    }
    case 'A_ArrayExpr':
      return strong('array');
    case 'RowExpr':
      return strong('row');
    case 'CoalesceExpr':
      return strong('coalesce');
    case 'GroupingFunc':
      return strong('grouping');
    case 'MinMaxExpr':
      return strong(textAt(fields, 'op') === 'IS_LEAST' ? 'least' : 'greatest');
    case 'SQLValueFunction':
      return strong((textAt(fields, 'op') ?? '').replace('SVFOP_', '').replace(/_N$/, '').toLowerCase());
    case 'MergeSupportFunc':
      return strong('merge_action');
    case 'SubLink':
      return subLinkName(value, env);
    case 'JsonFuncExpr':
      return strong((textAt(fields, 'op') ?? '').replace(/_OP$/, '').toLowerCase());
    default:
      return strong(JSON_NAMES[value.kind]);
  }
}

function subLinkName(value: PgNode, env: Env): { readonly name: string; readonly weak: boolean } | null {
  switch (textAt(value.fields, 'subLinkType')) {
    case 'EXISTS_SUBLINK':
      return { name: 'exists', weak: false };
    case 'ARRAY_SUBLINK':
      return { name: 'array', weak: false };
    case 'EXPR_SUBLINK': {
      const name = env.subLinkNames.get(value.fields);
      return name === undefined || name === '' ? null : { name, weak: false };
    }
    default:
      return null;
  }
}
