import { checkCastType } from './casts.ts';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { analyzeCall } from './function-calls.ts';
import { functionColumnNames } from './function-columns.ts';
import { jsonTableColumns } from './json-expressions.ts';
import { computedFrom, eitherOf, type Lineage, NO_SOURCE } from './lineage.ts';
import {
  bodyAt,
  type Fields,
  flagAt,
  locationOf,
  namesOf,
  nodeAt,
  nodesAt,
  type PgNode,
  textAt,
  toNodes,
} from './node.ts';
import { noteOperator } from './operators.ts';
import { requireKnownPositions, resultColumn } from './query-result.ts';
import { columnsOf, isOnly, resolveRelation } from './resolve-relation.ts';
import { type FromItem, findCte, referTo, type Scope, type ScopeColumn, type ScopeRelation } from './scope.ts';
import { analyzeQuery } from './select.ts';
import { GUARDED_SYSTEM_COLUMNS, isGuardedSystemRelation } from './system-relations.ts';
import { columnNameOf } from './target-list.ts';
import { bareType } from './type-name.ts';

const NO_ITEM: FromItem = { columns: [], relations: [], bases: [] };

/** FROM items in order; each sees those before it where it is lateral. */
export function analyzeFrom(env: Env, nodes: readonly PgNode[], scope: Scope): readonly FromItem[] {
  const items: FromItem[] = [];
  for (const node of nodes) items.push(analyzeFromItem(env, node, scope, items));
  return items;
}

/** `scope`: the query level without its FROM; `before`: the items that a lateral one may name. */
export function analyzeFromItem(env: Env, node: PgNode, scope: Scope, before: readonly FromItem[]): FromItem {
  const { fields } = node;
  const outside: Scope = { items: [], ctes: scope.ctes, parent: scope.parent };
  const beside: Scope = { items: before, ctes: scope.ctes, parent: scope.parent };
  switch (node.kind) {
    case 'RangeVar':
      return fromRelation(env, fields, scope);
    case 'RangeSubselect':
      return fromSubselect(env, fields, flagAt(fields, 'lateral') ? beside : outside);
    case 'RangeFunction':
      return fromFunction(env, fields, beside);
    case 'JsonTable': {
      const columns = jsonTableColumns(env, fields, beside).map(({ name, lineage }) => resultColumn(name, lineage));
      return aliased(env, bodyAt(fields, 'alias'), 'json_table', null, { columns, open: false, stored: false }, []);
    }
    case 'JoinExpr':
      return fromJoin(env, fields, scope, before);
    case 'RangeTableSample':
      return fromSample(env, fields, scope, before);
    default:
      env.out.unknown(
        'unsupported',
        `\`${node.kind}\` in from is not analysed; write it another way`,
        locationOf(fields),
      );
      return NO_ITEM;
  }
}

function fromRelation(env: Env, rangeVar: Fields, scope: Scope): FromItem {
  const alias = bodyAt(rangeVar, 'alias');
  const name = textAt(rangeVar, 'relname') ?? '';
  if (textAt(rangeVar, 'schemaname') === null) {
    const cte = findCte(scope, name);
    if (cte === 'pending') {
      env.out.unknown(
        'unsupported',
        `\`${name}\` is used before the query that it names; put that query first`,
        locationOf(rangeVar),
      );
      return NO_ITEM;
    }
    if (cte !== null) {
      return aliased(env, alias, name, null, { columns: cte.columns, open: cte.open, stored: false }, []);
    }
  }
  const found = resolveRelation(env, rangeVar);
  if (found === null) return NO_ITEM;
  env.out.access('select', found.resolved);
  const columns = found.known === null ? [] : columnsOf(env, found.known, isOnly(rangeVar));
  const { schema } = found.resolved;
  const guarded = found.resolved.system && isGuardedSystemRelation(schema, found.resolved.name);
  const content: Content = { columns, open: found.known === null, stored: true, guarded };
  return aliased(env, alias, name, schema, content, [found.resolved]);
}

interface Content {
  readonly columns: readonly ScopeColumn[];
  readonly open: boolean;
  readonly stored: boolean;
  readonly guarded?: boolean;
}

/** A FROM item under its alias, or its own name. */
function aliased(
  env: Env,
  alias: Fields | null,
  name: string,
  schema: string | null,
  content: Content,
  bases: FromItem['bases'],
): FromItem {
  const columns = renamed(env, alias, content);
  const relation: ScopeRelation = {
    name: (alias === null ? null : textAt(alias, 'aliasname')) ?? name,
    schema: alias === null ? schema : null,
    columns,
    open: content.open,
    stored: content.stored,
    guarded: content.guarded ?? false,
  };
  return { columns, relations: [relation], bases };
}

function renamed(env: Env, alias: Fields | null, content: Content): readonly ScopeColumn[] {
  const names = alias === null ? [] : namesOf(nodesAt(alias, 'colnames'));
  if (names.length > 0) requireKnownPositions(env, content);
  // Under another name a column of function bodies would not be known as one.
  if (names.length > 0 && content.guarded === true)
    env.out.unknown('unsupported', 'columns of a relation with function bodies keep their names; leave the list out');
  if (names.length > content.columns.length && content.open) {
    // Columns of a system relation under new names hold nothing of ours.
    return names.map((name, index) => ({ ...(content.columns[index] ?? noData(name)), name }));
  }
  if (names.length > content.columns.length) {
    env.out.unknown('unresolved', 'an alias names more columns than there are');
  }
  return content.columns.map((column, index) => ({ ...column, name: names[index] ?? column.name }));
}

function noData(name: string): ScopeColumn {
  return { name, lineage: NO_SOURCE, reads: [], computedFrom: [] };
}

function fromSubselect(env: Env, fields: Fields, scope: Scope): FromItem {
  const subquery = nodeAt(fields, 'subquery');
  if (subquery === null) return NO_ITEM;
  const result = analyzeQuery(env, subquery, scope);
  const alias = bodyAt(fields, 'alias');
  const content = { columns: result.columns, open: result.open, stored: false };
  return aliased(env, alias, '', null, content, result.bases);
}

/** `f(...)`, `rows from (f(...), g(...))`: functions in FROM always see the items before them. */
function fromFunction(env: Env, fields: Fields, scope: Scope): FromItem {
  const alias = bodyAt(fields, 'alias');
  const aliasName = alias === null ? null : textAt(alias, 'aliasname');
  const columns: ScopeColumn[] = [];
  let open = false;
  let name = '';
  const calls = nodesAt(fields, 'functions');
  for (const call of calls) {
    const [callee, definitions] = toNodes(call.fields.items);
    const defined = [
      ...nodesAt(fields, 'coldeflist'),
      ...(definitions?.kind === 'List' ? toNodes(definitions.fields.items) : []),
    ];
    if (callee === undefined) continue;
    const found = functionColumns(env, callee, defined, calls.length === 1 ? aliasName : null, scope);
    if (name === '') name = columnNameOf(callee, env);
    if (found === null) open = true;
    else columns.push(...found);
  }
  if (flagAt(fields, 'ordinality')) columns.push(noData('ordinality'));
  // Of columns that are not known, none may be counted, nor take a name from a column that is.
  return aliased(env, alias, name, null, { columns: open ? [] : columns, open, stored: false }, []);
}

/** `null`: the server may give it other columns than the analysis can tell. What its arguments use is noted. */
function functionColumns(
  env: Env,
  callee: PgNode,
  definitions: readonly PgNode[],
  aliasName: string | null,
  scope: Scope,
): readonly ScopeColumn[] | null {
  const column = (name: string, lineage: Lineage): ScopeColumn => ({ name, lineage, reads: [], computedFrom: [] });
  if (callee.kind !== 'FuncCall') {
    const lineage = evaluate(env, callee, scope, 'expression');
    return [column(aliasName ?? columnNameOf(callee, env), computedFrom([lineage]))];
  }
  const { lineage, types } = analyzeCall(env, callee.fields, scope, 'expression');
  if (definitions.length > 0) {
    return definitions.map((definition) => {
      const typeName = bodyAt(definition.fields, 'typeName');
      if (typeName !== null) checkCastType(env, typeName, lineage);
      return column(textAt(definition.fields, 'colname') ?? '', lineage);
    });
  }
  const name = namesOf(nodesAt(callee.fields, 'funcname')).at(-1) ?? '';
  if (name === 'unnest' && lineage.rows === true) {
    env.out.unknown(
      'unsupported',
      '`unnest` of whole rows is not analysed; read from the relation',
      locationOf(callee.fields),
    );
  }
  const names = functionColumnNames(env, callee.fields, types);
  if (names === null) {
    // Columns that are not known hold nothing of ours, or a masked one would come out under such a name.
    if (lineage.sources.length > 0)
      env.out.unknown(
        'unsupported',
        `the columns that \`${name}\` gives here are not known; cast its argument (\`::text[]\`), or call it outside of from`,
        locationOf(callee.fields),
      );
    return null;
  }
  if (names.kind === 'named') return names.columns.map((field) => column(field, lineage));
  return Array.from({ length: names.count }, () => column((names.count === 1 ? aliasName : null) ?? name, lineage));
}

function fromSample(env: Env, fields: Fields, scope: Scope, before: readonly FromItem[]): FromItem {
  const relation = nodeAt(fields, 'relation');
  if (relation === null) return NO_ITEM;
  const method = namesOf(nodesAt(fields, 'method'));
  const name = method.at(-1) ?? '';
  const builtin = method.length === 1 || (method.length === 2 && method[0] === 'pg_catalog');
  const shadowed = method.length === 1 && env.catalog.hasFunction(name, env.searchPath);
  if (!builtin || shadowed || (name !== 'system' && name !== 'bernoulli')) {
    env.out.unknown(
      'unsupported',
      `tablesample method \`${method.join('.')}\` is not known; use system or bernoulli`,
      locationOf(fields),
    );
  }
  const inner: Scope = { items: before, ctes: scope.ctes, parent: scope.parent };
  for (const arg of nodesAt(fields, 'args')) evaluate(env, arg, inner, 'predicate');
  const repeatable = nodeAt(fields, 'repeatable');
  if (repeatable !== null) evaluate(env, repeatable, inner, 'predicate');
  return analyzeFromItem(env, relation, scope, before);
}

function fromJoin(env: Env, fields: Fields, scope: Scope, before: readonly FromItem[]): FromItem {
  const leftNode = nodeAt(fields, 'larg');
  const rightNode = nodeAt(fields, 'rarg');
  if (leftNode === null || rightNode === null) return NO_ITEM;
  const left = analyzeFromItem(env, leftNode, scope, before);
  const right = analyzeFromItem(env, rightNode, scope, [...before, left]);
  const merged = mergedColumns(env, fields, left, right);
  const names = new Set(merged.map((column) => column.name));
  const columns = [...merged, ...[...left.columns, ...right.columns].filter((column) => !names.has(column.name))];
  const usingAlias = bodyAt(fields, 'join_using_alias');
  const item: FromItem = {
    columns,
    relations: [
      ...left.relations,
      ...right.relations,
      ...(usingAlias === null
        ? []
        : [{ name: textAt(usingAlias, 'aliasname') ?? '', schema: null, columns: merged, open: false, stored: false }]),
    ],
    bases: [...left.bases, ...right.bases],
  };
  const quals = nodeAt(fields, 'quals');
  if (quals !== null) evaluate(env, quals, { items: [item], ctes: scope.ctes, parent: scope.parent }, 'predicate');
  const alias = bodyAt(fields, 'alias');
  if (alias === null) return item;
  const open = item.relations.some((relation) => relation.open);
  const guarded = item.relations.some((relation) => relation.guarded === true);
  return aliased(env, alias, '', null, { columns, open, stored: false, guarded }, item.bases);
}

/** The columns that USING or NATURAL makes one of two, in order; each is compared, so it is a predicate too. */
function mergedColumns(env: Env, fields: Fields, left: FromItem, right: FromItem): readonly ScopeColumn[] {
  const isOpen = (item: FromItem) => item.relations.some((relation) => relation.open);
  let names = namesOf(nodesAt(fields, 'usingClause'));
  if (flagAt(fields, 'isNatural')) {
    if (isOpen(left) || isOpen(right)) {
      env.out.unknown('unsupported', 'a natural join with a system relation is not analysed; write the condition');
    }
    const rightNames = new Set(right.columns.map((column) => column.name));
    names = left.columns.map((column) => column.name).filter((name) => rightNames.has(name));
  }
  const merged: ScopeColumn[] = [];
  for (const name of names) {
    if (GUARDED_SYSTEM_COLUMNS.has(name) && (isOpen(left) || isOpen(right)))
      env.out.unknown('unsupported', `system column \`${name}\` holds function bodies; leave it out`);
    const sides = [left, right].map((item) => {
      const found = item.columns.filter((column) => column.name === name);
      if (found.length === 1) return found[0]!;
      if (found.length > 1 || !isOpen(item)) {
        env.out.unknown('unresolved', `column \`${name}\` in using is missing or ambiguous`);
      }
      return noData(name);
    });
    for (const side of sides) referTo(env.out, side, 'predicate', 0);
    const [leftType, rightType] = sides.map(({ lineage }) => (lineage.type === null ? null : bareType(lineage.type)));
    noteOperator(env, ['='], 0, { left: leftType ?? null, right: rightType ?? null });
    merged.push({
      name,
      lineage: eitherOf(sides.map((side) => side.lineage)),
      reads: sides.flatMap((side) => side.reads),
      computedFrom: sides.flatMap((side) => side.computedFrom),
    });
  }
  return merged;
}
