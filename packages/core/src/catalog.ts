/**
 * What the gate knows of a Postgres database: data read with the resource's own credential, immutable, identified by
 * `version`. Names in it are the server's own, already folded.
 */
export interface PostgresCatalog {
  /** Hash of everything below: two catalogs with one version are the same. */
  readonly version: string;
  /** As `server_version_num`, e.g. 180004. */
  readonly serverVersion: number;
  readonly database: string;
  /** Schemas in the order in which an unqualified name is looked up after `pg_catalog`; the gate pins it at the target. */
  readonly searchPath: readonly string[];
  /** Relations outside `pg_catalog` and `information_schema`. */
  readonly relations: readonly CatalogRelation[];
  /** Functions, procedures and aggregates outside `pg_catalog` and `information_schema`. */
  readonly functions: readonly CatalogFunction[];
  /** Operators outside `pg_catalog`: an operator whose name is here may not be the built-in one. */
  readonly operators: readonly { readonly schema: string; readonly name: string }[];
  /** Types outside `pg_catalog` and `information_schema`, with what a cast to them can run. */
  readonly types: readonly CatalogType[];
}

export interface CatalogRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'table' | 'partitioned-table' | 'view' | 'materialized-view' | 'foreign-table' | 'sequence';
  /** In attribute order, dropped ones left out. */
  readonly columns: readonly CatalogColumn[];
  /** `pg_get_viewdef(oid)` with names fully qualified, for views and materialized views. */
  readonly definition: string | null;
  /** Relations it inherits from or is a partition of. */
  readonly parents: readonly number[];
  /** Has user triggers or rules (a write to it may do more than it says). */
  readonly hasTriggers: boolean;
  readonly hasRules: boolean;
}

export interface CatalogColumn {
  readonly name: string;
  readonly attnum: number;
  readonly typeOid: number;
  /** As `format_type` prints it. */
  readonly typeName: string;
}

export interface CatalogFunction {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window';
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly securityDefiner: boolean;
}

export interface CatalogType {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'range' | 'multirange' | 'pseudo';
}
