import type { CatalogRelation, PostgresCatalog } from '@taskgate/core';

/** Lookups over one catalog. */
export interface CatalogIndex {
  readonly catalog: PostgresCatalog;
  relation(schema: string, name: string): CatalogRelation | null;
  relationByOid(oid: number): CatalogRelation | null;
  /** All that inherit from it or are its partitions, at any depth. */
  descendants(relation: CatalogRelation): readonly CatalogRelation[];
  /** All that it inherits from or is a partition of, at any depth. */
  ancestors(relation: CatalogRelation): readonly CatalogRelation[];
  /** Whether a function outside pg_catalog has this name in one of the schemas. */
  hasFunction(name: string, schemas: readonly string[]): boolean;
  hasOperator(name: string, schemas: readonly string[]): boolean;
  typeKind(schema: string, name: string): string | null;
}

export function createCatalogIndex(catalog: PostgresCatalog): CatalogIndex {
  const byName = new Map(catalog.relations.map((relation) => [key(relation.schema, relation.name), relation]));
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const children = new Map<number, CatalogRelation[]>();
  for (const relation of catalog.relations) {
    for (const parent of relation.parents) {
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [relation]);
      else list.push(relation);
    }
  }
  const functionSchemas = schemasByName(catalog.functions);
  const operatorSchemas = schemasByName(catalog.operators);
  const types = new Map(catalog.types.map((type) => [key(type.schema, type.name), type.kind as string]));
  return {
    catalog,
    relation: (schema, name) => byName.get(key(schema, name)) ?? null,
    relationByOid: (oid) => byOid.get(oid) ?? null,
    descendants: (relation) => closure(relation, (one) => children.get(one.oid) ?? []),
    ancestors: (relation) => closure(relation, (one) => one.parents.flatMap((oid) => byOid.get(oid) ?? [])),
    hasFunction: (name, schemas) => schemas.some((schema) => functionSchemas.get(name)?.has(schema) ?? false),
    hasOperator: (name, schemas) => schemas.some((schema) => operatorSchemas.get(name)?.has(schema) ?? false),
    typeKind: (schema, name) => types.get(key(schema, name)) ?? null,
  };
}

function key(schema: string, name: string): string {
  return JSON.stringify([schema, name]);
}

function schemasByName(
  objects: readonly { readonly schema: string; readonly name: string }[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const result = new Map<string, Set<string>>();
  for (const { schema, name } of objects) {
    const schemas = result.get(name);
    if (schemas === undefined) result.set(name, new Set([schema]));
    else schemas.add(schema);
  }
  return result;
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
