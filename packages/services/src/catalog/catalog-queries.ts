// Everything is named in full and read with an empty search path, so that no object of the database stands in for one
// of the system's. Names sort by bytes: the same database gives the same catalog on any server.

const USER_SCHEMA = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`;

export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly relkind: string;
  readonly definition: string | null;
  /** As text: `pg` has no parser for lists of oids. */
  readonly parents: readonly string[];
  readonly has_triggers: boolean;
  readonly has_rules: boolean;
}

/** Foreign keys' own triggers are the system's, and left out; `_RETURN` is what makes a view a view. */
export const RELATIONS = `
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
       ARRAY(SELECT i.inhparent::pg_catalog.text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS has_triggers,
       EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') AS has_rules
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
 LIMIT $1`;

export interface ColumnRow {
  readonly relation: number;
  readonly name: string;
  readonly attnum: number;
  readonly type_oid: number;
  readonly type_name: string;
}

export const COLUMNS = `
SELECT a.attrelid AS relation, a.attname AS name, a.attnum, a.atttypid AS type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND a.attnum > 0 AND NOT a.attisdropped AND ${USER_SCHEMA}
 ORDER BY a.attrelid, a.attnum
 LIMIT $1`;

export interface FunctionRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly prokind: string;
  readonly provolatile: string;
  readonly security_definer: boolean;
}

export const FUNCTIONS = `
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind, p.provolatile::text AS provolatile,
       p.prosecdef AS security_definer
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", p.oid
 LIMIT $1`;

export interface OperatorRow {
  readonly schema: string;
  readonly name: string;
}

export const OPERATORS = `
SELECT schema, name FROM (
  SELECT DISTINCT n.nspname AS schema, o.oprname AS name
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
   WHERE n.nspname <> 'pg_catalog') found
 ORDER BY schema COLLATE "C", name COLLATE "C"
 LIMIT $1`;

export interface TypeRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly typtype: string;
}

export const TYPES = `
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typtype::text AS typtype
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
 LIMIT $1`;
