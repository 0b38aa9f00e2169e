import type { CatalogRelation, ColumnName } from '@taskgate/core';
import { isBuiltinScalar } from './casts.ts';
import type { ResolvedRelation } from './collector.ts';
import { noteSilentCasts } from './conversions.ts';
import type { Env } from './env.ts';
import { type Fields, flagAt, locationOf, textAt } from './node.ts';
import type { ScopeColumn } from './scope.ts';

/** A relation that a statement names: from the catalog, or a system relation of which only the name is known. */
export interface FoundRelation {
  readonly resolved: ResolvedRelation;
  readonly known: CatalogRelation | null;
}

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema']);

/** Finds what a RangeVar names, or notes an unknown and gives `null`. Does not look at common table expressions. */
export function resolveRelation(env: Env, rangeVar: Fields): FoundRelation | null {
  const name = textAt(rangeVar, 'relname') ?? '';
  const schema = textAt(rangeVar, 'schemaname');
  const database = textAt(rangeVar, 'catalogname');
  if (database !== null && database !== env.catalog.catalog.database) {
    env.out.unknown('unsupported', `\`${database}\` is not the database of this connection`, locationOf(rangeVar));
    return null;
  }
  return resolveRelationName(env, schema, name, locationOf(rangeVar));
}

/** As `resolveRelation`, from names. */
export function resolveRelationName(
  env: Env,
  schema: string | null,
  name: string,
  location: number,
): FoundRelation | null {
  const found = schema === null ? findOnPath(env, name) : findInSchema(env, schema, name);
  if (found === null) {
    const written = schema === null ? name : `${schema}.${name}`;
    env.out.unknown(
      'unresolved',
      `relation \`${written}\` does not exist or the gate's catalog is out of date`,
      location,
    );
  } else if (found === 'ambiguous') {
    env.out.unknown('unresolved', `\`${name}\` may mean more than one relation; write its schema before it`, location);
    return null;
  }
  return found;
}

function findInSchema(env: Env, schema: string, name: string): FoundRelation | null {
  if (SYSTEM_SCHEMAS.has(schema)) return systemRelation(env, schema, name);
  return known(env.catalog.relation(schema, name));
}

function findOnPath(env: Env, name: string): FoundRelation | 'ambiguous' | null {
  // pg_catalog comes first on every path; what the catalog does not have of it is known by its prefix.
  if (env.catalog.systemRelation('pg_catalog', name) !== null) return systemRelation(env, 'pg_catalog', name);
  const found = env.searchPath.flatMap((schema) => known(env.catalog.relation(schema, name)) ?? []);
  if (name.startsWith('pg_')) return found.length === 0 ? systemRelation(env, 'pg_catalog', name) : 'ambiguous';
  // The server passes over schemas that its role may not use: which of two it takes is not the catalog's to say.
  return found.length > 1 ? 'ambiguous' : (found[0] ?? null);
}

function known(relation: CatalogRelation | null): FoundRelation | null {
  if (relation === null) return null;
  const { schema, name, oid } = relation;
  return { resolved: { schema, name, oid, system: false }, known: relation };
}

function systemRelation(env: Env, schema: string, name: string): FoundRelation {
  const oid = env.catalog.systemRelation(schema, name)?.oid ?? null;
  return { resolved: { schema, name, oid, system: true }, known: null };
}

/** The columns of a known relation as a query sees them. `only`: without what inherits from it. */
export function columnsOf(env: Env, relation: CatalogRelation, only: boolean): readonly ScopeColumn[] {
  const resolved = known(relation)!.resolved;
  noteSilentCasts(
    env,
    relation.columns.map((column) => column.typeName),
  );
  if (relation.kind === 'view' || relation.kind === 'materialized-view') return viewColumns(env, relation, resolved);
  const family = [...env.catalog.ancestors(relation), ...(only ? [] : env.catalog.descendants(relation))];
  return relation.columns.map((column) => {
    // A generated column holds what it is made from under another name.
    const made = column.generatedFrom.flatMap((name) => [nameOf(relation, name), ...sameColumn(family, name)]);
    return {
      name: column.name,
      lineage: {
        sources: [nameOf(relation, column.name), ...sameColumn(family, column.name), ...made],
        plain: made.length === 0,
        type: column.typeName,
        rows: !isBuiltinScalar(column.typeName),
      },
      reads: [{ relation: resolved, column: column.name }],
      computedFrom: made,
    };
  });
}

function viewColumns(env: Env, view: CatalogRelation, resolved: ResolvedRelation): readonly ScopeColumn[] {
  const meaning = env.views.define(view);
  env.out.adopt(meaning.functions, meaning.unknowns);
  return view.columns.map((column, index) => {
    const behind = meaning.columns[index];
    const sources = behind?.sources ?? [];
    const plain = behind?.plain ?? false;
    return {
      name: column.name,
      lineage: {
        sources: [nameOf(view, column.name), ...sources],
        plain,
        type: column.typeName,
        rows: !isBuiltinScalar(column.typeName),
      },
      reads: [{ relation: resolved, column: column.name }],
      computedFrom: plain ? [] : sources,
    };
  });
}

function nameOf(relation: CatalogRelation, column: string): ColumnName {
  return { schema: relation.schema, relation: relation.name, column };
}

function sameColumn(family: readonly CatalogRelation[], column: string): readonly ColumnName[] {
  return family
    .filter((relation) => relation.columns.some((one) => one.name === column))
    .map((relation) => nameOf(relation, column));
}

/** `from only t` and `t*`: `inh` is left out of the JSON when false. */
export function isOnly(rangeVar: Fields): boolean {
  return !flagAt(rangeVar, 'inh');
}
