import type {
  CatalogCast,
  CatalogForeignKey,
  CatalogFunction,
  CatalogOperator,
  CatalogRelation,
  CatalogSystemRelation,
  CatalogType,
  PostgresCatalog,
} from '@taskgate/core';
import { isBuiltinScalar } from './casts.ts';

/** Lookups over one catalog. */
export interface CatalogIndex {
  readonly catalog: PostgresCatalog;
  relation(schema: string, name: string): CatalogRelation | null;
  relationByOid(oid: number): CatalogRelation | null;
  systemRelation(schema: string, name: string): CatalogSystemRelation | null;
  /** All that inherit from it or are its partitions, at any depth. */
  descendants(relation: CatalogRelation): readonly CatalogRelation[];
  /** All that it inherits from or is a partition of, at any depth. */
  ancestors(relation: CatalogRelation): readonly CatalogRelation[];
  /** Foreign keys whose action writes, by what they reference. */
  referencing(oid: number): readonly { readonly relation: CatalogRelation; readonly key: CatalogForeignKey }[];
  /** All functions of that name: outside the system's schemas, and those of pg_catalog that share it. */
  functionsNamed(name: string): readonly CatalogFunction[];
  /** True too where the catalog does not say which there are. */
  hasBuiltinFunction(name: string): boolean;
  functionByOid(oid: number): CatalogFunction | null;
  /** Whether a function outside pg_catalog has this name in one of the schemas. */
  hasFunction(name: string, schemas: readonly string[]): boolean;
  /** As `functionsNamed`. */
  operatorsNamed(name: string): readonly CatalogOperator[];
  type(schema: string, name: string): CatalogType | null;
  /** By its name as `format_type` prints it. */
  typePrinted(printed: string): CatalogType | null;
  /** What a domain is over in the end, else the type itself; `null` for rows and what is not known. */
  baseType(printed: string): string | null;
  /** True too where the catalog does not say which casts there are. */
  hasImplicitCast(source: string, target: string): boolean;
  /** Casts that run a function outside pg_catalog. */
  readonly ownCasts: readonly CatalogCast[];
}

const MAX_DOMAIN_DEPTH = 32;

export function createCatalogIndex(catalog: PostgresCatalog): CatalogIndex {
  const byName = new Map(catalog.relations.map((relation) => [key(relation.schema, relation.name), relation]));
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const systemByName = new Map(catalog.systemRelations.map((one) => [key(one.schema, one.name), one]));
  const children = groupBy(
    catalog.relations.flatMap((relation) => relation.parents.map((parent) => [parent, relation] as const)),
  );
  const references = groupBy(
    catalog.relations.flatMap((relation) =>
      relation.foreignKeys.map((key) => [key.references, { relation, key }] as const),
    ),
  );
  const functions = groupBy([...catalog.builtinFunctions, ...catalog.functions].map((fn) => [fn.name, fn] as const));
  const builtinNames = new Set(catalog.builtinFunctionNames);
  const functionsByOid = new Map(catalog.functions.map((fn) => [fn.oid, fn]));
  const operators = groupBy(catalog.operators.map((operator) => [operator.name, operator] as const));
  const types = new Map(catalog.types.map((type) => [key(type.schema, type.name), type]));
  const typesPrinted = new Map(catalog.types.map((type) => [type.printed, type]));
  const implicit = new Set(
    catalog.casts.filter((cast) => cast.context === 'implicit').map((cast) => key(cast.source, cast.target)),
  );
  const knowsCasts = implicit.has(key('integer', 'bigint'));
  const baseType = (printed: string, depth = 0): string | null => {
    if (isBuiltinScalar(printed)) return printed;
    const type = typesPrinted.get(printed.replace(/\[\]$/, ''));
    if (type === undefined || type.kind === 'composite' || type.kind === 'pseudo' || depth > MAX_DOMAIN_DEPTH)
      return null;
    if (type.kind !== 'domain') return printed;
    return printed.endsWith('[]') || type.base === null ? null : baseType(type.base, depth + 1);
  };
  return {
    catalog,
    relation: (schema, name) => byName.get(key(schema, name)) ?? null,
    relationByOid: (oid) => byOid.get(oid) ?? null,
    systemRelation: (schema, name) => systemByName.get(key(schema, name)) ?? null,
    descendants: (relation) => closure(relation, (one) => children.get(one.oid) ?? []),
    ancestors: (relation) => closure(relation, (one) => one.parents.flatMap((oid) => byOid.get(oid) ?? [])),
    referencing: (oid) => references.get(oid) ?? [],
    functionsNamed: (name) => functions.get(name) ?? [],
    hasBuiltinFunction: (name) => builtinNames.size === 0 || builtinNames.has(name),
    functionByOid: (oid) => functionsByOid.get(oid) ?? null,
    hasFunction: (name, schemas) =>
      (functions.get(name) ?? []).some((fn) => fn.schema !== 'pg_catalog' && schemas.includes(fn.schema)),
    operatorsNamed: (name) => operators.get(name) ?? [],
    type: (schema, name) => types.get(key(schema, name)) ?? null,
    typePrinted: (printed) => typesPrinted.get(printed) ?? null,
    baseType,
    hasImplicitCast: (source, target) => !knowsCasts || implicit.has(key(source, target)),
    ownCasts: catalog.casts.filter((cast) => cast.functionOid !== null),
  };
}

function key(first: string, second: string): string {
  // No name holds a NUL.
  return `${first}\0${second}`;
}

function groupBy<K, T>(pairs: readonly (readonly [K, T])[]): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const [name, one] of pairs) {
    const list = groups.get(name);
    if (list === undefined) groups.set(name, [one]);
    else list.push(one);
  }
  return groups;
}

/** Without `start` itself; ends on cycles. */
function closure(
  start: CatalogRelation,
  next: (relation: CatalogRelation) => readonly CatalogRelation[],
): readonly CatalogRelation[] {
  const seen = new Set<CatalogRelation>();
  const pending = [start];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    for (const other of next(one)) {
      if (other === start || seen.has(other)) continue;
      seen.add(other);
      pending.push(other);
    }
  }
  return [...seen];
}
