/** Of the shape below. A stored catalog of another format is read again. */
export const CATALOG_FORMAT = 2;

/**
 * What the gate knows of a Postgres database: data read with the resource's own credential, immutable, identified by
 * `version`. Names in it are the server's own, already folded. A type is named as `format_type(oid, null)` prints it
 * with an empty search path (`integer`, `public.mood[]`), so that no two types share a name.
 */
export interface PostgresCatalog {
  /** Hash of everything below: two catalogs with one version are the same. */
  readonly version: string;
  readonly format: typeof CATALOG_FORMAT;
  /** As `server_version_num`, e.g. 180004. */
  readonly serverVersion: number;
  readonly database: string;
  /** Schemas in the order in which an unqualified name is looked up after `pg_catalog`; the gate pins it at the target. */
  readonly searchPath: readonly string[];
  readonly schemas: readonly CatalogSchema[];
  /** What PUBLIC may do with the database itself: `connect`, `temporary`, `create`. */
  readonly publicPrivileges: readonly string[];
  /** Relations outside `pg_catalog` and `information_schema`. */
  readonly relations: readonly CatalogRelation[];
  /** Those of `pg_catalog` and `information_schema`. */
  readonly systemRelations: readonly CatalogSystemRelation[];
  /** Functions, procedures and aggregates outside `pg_catalog` and `information_schema`. */
  readonly functions: readonly CatalogFunction[];
  /** Names of all functions of `pg_catalog`; empty where they are not known. */
  readonly builtinFunctionNames: readonly string[];
  /** Those of `pg_catalog` that share a name with one of `functions`: a call may mean either. */
  readonly builtinFunctions: readonly CatalogFunction[];
  /** Operators outside `pg_catalog`, and those in it that share a name with one of them. */
  readonly operators: readonly CatalogOperator[];
  /** Types outside `pg_catalog` and `information_schema`; not arrays, and not the row types of relations. */
  readonly types: readonly CatalogType[];
  /** All implicit casts, and every other one that runs a function outside `pg_catalog`. */
  readonly casts: readonly CatalogCast[];
}

export interface CatalogSchema {
  readonly name: string;
  readonly owner: string;
  /** `usage`, `create`. */
  readonly publicPrivileges: readonly string[];
}

export type CatalogRelationKind =
  | 'table'
  | 'partitioned-table'
  | 'view'
  | 'materialized-view'
  | 'foreign-table'
  | 'sequence';

export interface CatalogRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: CatalogRelationKind;
  readonly owner: string;
  /** In attribute order, dropped ones left out. */
  readonly columns: readonly CatalogColumn[];
  /** `pg_get_viewdef(oid)` with names fully qualified, for views and materialized views. */
  readonly definition: string | null;
  /** A view that reads with its caller's rights; others read with their owner's. */
  readonly securityInvoker: boolean;
  readonly securityBarrier: boolean;
  /** Relations it inherits from or is a partition of. */
  readonly parents: readonly number[];
  readonly isPartition: boolean;
  /** Policies limit its rows. */
  readonly rowSecurity: boolean;
  /** The user's own, enabled, by name; foreign keys' are in `foreignKeys`. */
  readonly triggers: readonly CatalogTrigger[];
  /** Without the rule that makes a view a view. */
  readonly rules: readonly CatalogRule[];
  readonly foreignKeys: readonly CatalogForeignKey[];
  /** OIDs of `functions` that a write runs: in defaults, generated columns, checks, index expressions. */
  readonly writeFunctions: readonly number[];
  /** OIDs of `functions` that its row security policies run. */
  readonly policyFunctions: readonly number[];
  readonly publicPrivileges: readonly CatalogPrivilege[];
}

export interface CatalogPrivilege {
  /** Lower case: `select`, `insert`, ... */
  readonly privilege: string;
  /** `null`: on the whole relation. */
  readonly column: string | null;
}

export interface CatalogColumn {
  readonly name: string;
  readonly attnum: number;
  readonly typeOid: number;
  /** As `format_type` prints it, with its length. */
  readonly typeName: string;
  /** Where its value comes from when a statement gives none. */
  readonly default: 'expression' | 'identity' | 'generated' | null;
  /** For a generated column: the columns of the same relation that it is made from. */
  readonly generatedFrom: readonly string[];
}

export interface CatalogTrigger {
  readonly name: string;
  /** OID of one of `functions`. */
  readonly functionOid: number;
  /** `schema.name` of the function, as the server writes it. */
  readonly functionName: string;
  readonly timing: 'before' | 'after' | 'instead-of';
  readonly forEachRow: boolean;
  readonly events: readonly ('insert' | 'update' | 'delete' | 'truncate')[];
}

export interface CatalogRule {
  readonly name: string;
  readonly event: 'select' | 'insert' | 'update' | 'delete';
  readonly instead: boolean;
  /** `pg_get_ruledef(oid)` with names fully qualified. */
  readonly definition: string;
}

/** A foreign key whose action writes: a delete or update of `references` writes to the relation that has it. */
export interface CatalogForeignKey {
  readonly name: string;
  readonly references: number;
  readonly onDelete: 'cascade' | 'set-null' | 'set-default' | null;
  readonly onUpdate: 'cascade' | 'set-null' | 'set-default' | null;
}

export interface CatalogSystemRelation {
  readonly oid: number;
  readonly schema: 'pg_catalog' | 'information_schema';
  readonly name: string;
  readonly columns: readonly string[];
}

export interface CatalogFunction {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window';
  /** Types of the input arguments; the last of a variadic one is the array (or `"any"`). */
  readonly arguments: readonly string[];
  /** Names of the input arguments, `''` where one has none; empty where none has. */
  readonly argumentNames: readonly string[];
  readonly variadic: boolean;
  /** How many of the last arguments may be left out. */
  readonly defaults: number;
  readonly result: string;
  readonly returnsSet: boolean;
  /** Names of what `out`, `inout` and `returns table` give back; empty where it returns one value. */
  readonly outputs: readonly string[];
  /** For an aggregate: the worst of what it is made of. */
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly securityDefiner: boolean;
  readonly leakproof: boolean;
  readonly language: string;
  readonly owner: string;
  readonly publicExecute: boolean;
  /** The extension that it belongs to. */
  readonly extension: string | null;
}

export interface CatalogOperator {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `null`: a prefix operator. */
  readonly left: string | null;
  readonly right: string;
  readonly result: string;
  /** What it runs, wherever that is. */
  readonly functionOid: number;
  readonly functionSchema: string;
  readonly functionName: string;
}

export interface CatalogType {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** As `format_type` prints it. */
  readonly printed: string;
  readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'range' | 'multirange' | 'pseudo';
  /** The type that a domain or range is over. */
  readonly base: string | null;
  /** The fields of a composite type. */
  readonly fields: readonly { readonly name: string; readonly typeName: string }[];
  /** OIDs of `functions` that making a value of it runs: input functions, checks of a domain, a range's own. */
  readonly functions: readonly number[];
}

export interface CatalogCast {
  readonly source: string;
  readonly target: string;
  readonly context: 'implicit' | 'assignment' | 'explicit';
  /** OID of one of `functions`; `null`: built in, or none. */
  readonly functionOid: number | null;
}
