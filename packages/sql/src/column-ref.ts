import type { ColumnUseContext } from '@taskgate/core';
import type { Env } from './env.ts';
import { computedFrom, type Lineage, NO_SOURCE } from './lineage.ts';
import { type Fields, locationOf, namesOf, nodesAt } from './node.ts';
import { findColumn, findRelation, referTo, type Scope, type ScopeRelation, SYSTEM_COLUMNS } from './scope.ts';
import { GUARDED_SYSTEM_COLUMNS } from './system-relations.ts';

/** A name in an expression: a column, or a whole row where a relation has that name. */
export function evaluateColumnRef(env: Env, ref: Fields, scope: Scope, context: ColumnUseContext | null): Lineage {
  const names = namesOf(nodesAt(ref, 'fields'));
  const location = locationOf(ref);
  const last = names.at(-1) ?? '';
  if (last === '*') {
    // `count(t.*)`, `row_to_json(t.*)`: in an expression it is the whole row.
    const relation = names.length > 1 ? relationOf(env, names.slice(0, -1), scope, location) : null;
    if (relation !== null) return wholeRow(env, relation, context, location);
    if (names.length === 1) env.out.unknown('unsupported', '`*` inside an expression is not analysed', location);
    return NO_SOURCE;
  }
  if (names.length > 1) {
    const relation = relationOf(env, names.slice(0, -1), scope, location);
    return relation === null ? NO_SOURCE : columnOf(env, relation, last, context, location);
  }
  const match = findColumn(scope, last);
  if (match.kind === 'column') return referTo(env.out, match.column, context, location);
  if (match.kind === 'ambiguous') {
    env.out.unknown('unresolved', `column \`${last}\` is ambiguous; write its relation before it`, location);
    return NO_SOURCE;
  }
  const relation = findRelation(scope, null, last);
  if (relation !== null && relation !== 'ambiguous') return wholeRow(env, relation, context, location);
  if (match.kind === 'no-data') return systemColumn(env, last, location);
  env.out.unknown('unresolved', `column \`${last}\` does not exist or the gate's catalog is out of date`, location);
  return NO_SOURCE;
}

/** The relation that the qualifier of a name means, or an unknown and `null`. */
export function relationOf(
  env: Env,
  qualifier: readonly string[],
  scope: Scope,
  location: number,
): ScopeRelation | null {
  const names =
    qualifier.length === 3 && qualifier[0] === env.catalog.catalog.database ? qualifier.slice(1) : qualifier;
  const written = qualifier.join('.');
  if (names.length > 2) {
    env.out.unknown('unsupported', `\`${written}\` is not a name of this database`, location);
    return null;
  }
  const relation = findRelation(scope, names.length === 2 ? names[0]! : null, names.at(-1)!);
  if (relation === 'ambiguous' || relation === null) {
    const why = relation === null ? 'is not in from' : 'is in from more than once';
    env.out.unknown('unresolved', `\`${written}\` ${why}; name the relation or its alias`, location);
    return null;
  }
  return relation;
}

/** A column of one relation. A name that is no column would be a function call in disguise, so it is an unknown. */
export function columnOf(
  env: Env,
  relation: ScopeRelation,
  name: string,
  context: ColumnUseContext | null,
  location: number,
): Lineage {
  const found = relation.columns.filter((column) => column.name === name);
  if (found.length === 1) return referTo(env.out, found[0]!, context, location);
  if (found.length > 1) {
    env.out.unknown('unresolved', `column \`${relation.name}.${name}\` is ambiguous`, location);
    return NO_SOURCE;
  }
  if (relation.stored && SYSTEM_COLUMNS.has(name)) return NO_SOURCE;
  if (relation.open && !env.catalog.hasFunction(name, env.searchPath)) return systemColumn(env, name, location);
  const owner = relation.schema === null ? relation.name : `${relation.schema}.${relation.name}`;
  env.out.unknown(
    'unresolved',
    `column \`${name}\` of \`${owner}\` does not exist or the gate's catalog is out of date`,
    location,
  );
  return NO_SOURCE;
}

function systemColumn(env: Env, name: string, location: number): Lineage {
  if (GUARDED_SYSTEM_COLUMNS.has(name)) {
    env.out.unknown(
      'unsupported',
      `system column \`${name}\` holds function bodies or secrets; leave it out`,
      location,
    );
  }
  return NO_SOURCE;
}

/** `*` and whole rows of some system relations hold more than names and types. */
export function refuseGuarded(env: Env, relation: ScopeRelation, location: number): void {
  if (relation.guarded === true) {
    env.out.unknown(
      'unsupported',
      `all columns of \`${relation.name}\` hold function bodies or secrets; name the columns`,
      location,
    );
  }
}

/** The row as one value: it holds every column. */
export function wholeRow(
  env: Env,
  relation: ScopeRelation,
  context: ColumnUseContext | null,
  location: number,
): Lineage {
  refuseGuarded(env, relation, location);
  const row = computedFrom(
    relation.columns.map((column) => referTo(env.out, column, context ?? 'expression', location)),
  );
  return { ...row, rows: true };
}
