// Everything is named in full and read with an empty search path, so that no object of the database stands in for one
// of the system's. Names sort by bytes: the same database gives the same catalog on any server. Lists of OIDs come as
// text: `pg` has no parser for them.

const USER_SCHEMA = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`;
const KINDS = `('r', 'p', 'v', 'm', 'f', 'S')`;
const regclass = (name: string): string => `'pg_catalog.${name}'::pg_catalog.regclass`;

/** The schemas where the credential's own role looks names up; those that do not exist or are closed to it left out. */
export const SEARCH_PATH = `SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS path`;

export interface DatabaseRow {
  readonly database: string;
  readonly public_privileges: readonly string[];
}

export const DATABASE = `
SELECT d.datname AS database,
       ARRAY(SELECT pg_catalog.lower(a.privilege_type)
               FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
              WHERE a.grantee = 0 ORDER BY 1) AS public_privileges
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`;

export interface SchemaRow {
  readonly name: string;
  readonly owner: string;
  readonly public_privileges: readonly string[];
}

export const SCHEMAS = `
SELECT n.nspname AS name, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
       ARRAY(SELECT pg_catalog.lower(a.privilege_type) FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.grantee = 0 ORDER BY 1)
         AS public_privileges
  FROM pg_catalog.pg_namespace n
 WHERE ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C"
 LIMIT $1`;

export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly relkind: string;
  readonly owner: string;
  readonly definition: string | null;
  readonly security_invoker: boolean;
  readonly security_barrier: boolean;
  readonly is_partition: boolean;
  readonly row_security: boolean;
  readonly public_privileges: readonly string[];
}

const viewOption = (name: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) o
            WHERE c.relkind = 'v' AND o.option_name = '${name}' AND o.option_value::pg_catalog.bool)`;

export const RELATIONS = `
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
       ${viewOption('security_invoker')} AS security_invoker, ${viewOption('security_barrier')} AS security_barrier,
       c.relispartition AS is_partition, c.relrowsecurity AS row_security,
       ARRAY(SELECT pg_catalog.lower(a.privilege_type) FROM pg_catalog.aclexplode(c.relacl) a WHERE a.grantee = 0 ORDER BY 1)
         AS public_privileges
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ${KINDS} AND ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
 LIMIT $1`;

export interface ParentRow {
  readonly relation: number;
  readonly parent: number;
}

export const PARENTS = `
SELECT i.inhrelid AS relation, i.inhparent AS parent
  FROM pg_catalog.pg_inherits i
 ORDER BY i.inhrelid, i.inhseqno
 LIMIT $1`;

export interface ColumnRow {
  readonly relation: number;
  readonly name: string;
  readonly attnum: number;
  readonly type_oid: number;
  readonly type_name: string;
  readonly has_default: boolean;
  readonly identity: string;
  readonly generated: string;
  readonly public_privileges: readonly string[];
}

export const COLUMNS = `
SELECT a.attrelid AS relation, a.attname AS name, a.attnum, a.atttypid AS type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       a.atthasdef AS has_default, a.attidentity::text AS identity, a.attgenerated::text AS generated,
       CASE WHEN a.attacl IS NULL THEN '{}' ELSE
         ARRAY(SELECT pg_catalog.lower(x.privilege_type) FROM pg_catalog.aclexplode(a.attacl) x WHERE x.grantee = 0 ORDER BY 1)
       END AS public_privileges
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ${KINDS} AND a.attnum > 0 AND NOT a.attisdropped AND ${USER_SCHEMA}
 ORDER BY a.attrelid, a.attnum
 LIMIT $1`;

export interface GeneratedRow {
  readonly relation: number;
  readonly attnum: number;
  readonly source: string;
}

export const GENERATED = `
SELECT ad.adrelid AS relation, ad.adnum AS attnum, s.attname AS source
  FROM pg_catalog.pg_attrdef ad
  JOIN pg_catalog.pg_attribute a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum AND a.attgenerated <> ''
  JOIN pg_catalog.pg_depend d ON d.refclassid = ${regclass('pg_class')} AND d.refobjid = ad.adrelid
   AND ((d.classid = ${regclass('pg_attrdef')} AND d.objid = ad.oid) OR
        (d.classid = ${regclass('pg_class')} AND d.objid = ad.adrelid AND d.objsubid = ad.adnum))
  JOIN pg_catalog.pg_attribute s ON s.attrelid = ad.adrelid AND s.attnum = d.refobjsubid AND s.attnum <> ad.adnum
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
 LIMIT $1`;

export interface TriggerRow {
  readonly relation: number;
  readonly name: string;
  readonly function_oid: number;
  readonly function_name: string;
  readonly type: number;
}

/** Foreign keys' own triggers are the system's, and left out; so are those that do not fire in a plain session. */
export const TRIGGERS = `
SELECT t.tgrelid AS relation, t.tgname AS name, t.tgfoid AS function_oid, t.tgtype AS type,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS function_name
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
 ORDER BY t.tgrelid, t.tgname COLLATE "C"
 LIMIT $1`;

export interface RuleRow {
  readonly relation: number;
  readonly name: string;
  readonly event: string;
  readonly instead: boolean;
  readonly definition: string;
}

/** `_RETURN` is what makes a view a view. */
export const RULES = `
SELECT r.ev_class AS relation, r.rulename AS name, r.ev_type::text AS event, r.is_instead AS instead,
       pg_catalog.pg_get_ruledef(r.oid) AS definition
  FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A') AND ${USER_SCHEMA}
 ORDER BY r.ev_class, r.rulename COLLATE "C"
 LIMIT $1`;

export interface ForeignKeyRow {
  readonly relation: number;
  readonly name: string;
  readonly references: number;
  readonly on_delete: string;
  readonly on_update: string;
}

export const FOREIGN_KEYS = `
SELECT c.conrelid AS relation, c.conname AS name, c.confrelid AS references,
       c.confdeltype::text AS on_delete, c.confupdtype::text AS on_update
  FROM pg_catalog.pg_constraint c
 WHERE c.contype = 'f' AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))
 ORDER BY c.conrelid, c.conname COLLATE "C"
 LIMIT $1`;

export interface UsedFunctionRow {
  readonly relation: number;
  readonly function: number;
  readonly in_policy: boolean;
}

/** Functions of the database in what a write evaluates, and in policies; built-in ones leave no dependency. */
export const USED_FUNCTIONS = `
WITH parts AS (
  SELECT ${regclass('pg_attrdef')} AS classid, ad.oid AS objid, ad.adrelid AS relation, false AS in_policy
    FROM pg_catalog.pg_attrdef ad
  UNION ALL
  SELECT ${regclass('pg_constraint')}, k.oid, k.conrelid, false FROM pg_catalog.pg_constraint k
   WHERE k.contype IN ('c', 'x') AND k.conrelid <> 0
  UNION ALL
  SELECT ${regclass('pg_class')}, i.indexrelid, i.indrelid, false FROM pg_catalog.pg_index i
   WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
  UNION ALL
  SELECT ${regclass('pg_policy')}, p.oid, p.polrelid, true FROM pg_catalog.pg_policy p
)
SELECT parts.relation, coalesce(o.oprcode::pg_catalog.oid, d.refobjid) AS function, parts.in_policy
  FROM parts
  JOIN pg_catalog.pg_depend d ON d.classid = parts.classid AND d.objid = parts.objid
   AND d.refclassid IN (${regclass('pg_proc')}, ${regclass('pg_operator')})
  LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = ${regclass('pg_operator')} AND o.oid = d.refobjid
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
 LIMIT $1`;

export interface SystemRelationRow {
  readonly oid: number;
  readonly schema: 'pg_catalog' | 'information_schema';
  readonly name: string;
  readonly columns: readonly string[];
}

export const SYSTEM_RELATIONS = `
SELECT c.oid, n.nspname AS schema, c.relname AS name,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ${KINDS} AND n.nspname IN ('pg_catalog', 'information_schema')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
 LIMIT $1`;

export interface FunctionRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly prokind: string;
  readonly arguments: readonly string[];
  readonly argument_names: readonly string[];
  readonly is_variadic: boolean;
  readonly defaults: number;
  readonly result: string;
  readonly returns_set: boolean;
  readonly outputs: readonly string[];
  readonly provolatile: string;
  /** Of what an aggregate is made of: the worst. */
  readonly aggregate_volatile: string | null;
  readonly security_definer: boolean;
  readonly leakproof: boolean;
  readonly language: string;
  readonly owner: string;
  readonly public_execute: boolean;
  readonly extension: string | null;
}

const FUNCTION_COLUMNS = `
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind,
       ARRAY(SELECT pg_catalog.format_type(u.t, NULL) FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY u(t, n) ORDER BY u.n)
         AS arguments,
       CASE
         WHEN p.proargnames IS NULL THEN '{}'
         WHEN p.proargmodes IS NULL THEN p.proargnames
         ELSE ARRAY(SELECT coalesce(p.proargnames[u.n], '') FROM pg_catalog.unnest(p.proargmodes) WITH ORDINALITY u(m, n)
                     WHERE u.m IN ('i', 'b', 'v') ORDER BY u.n)
       END AS argument_names,
       p.provariadic <> 0 AS is_variadic, p.pronargdefaults AS defaults,
       pg_catalog.format_type(p.prorettype, NULL) AS result, p.proretset AS returns_set,
       ARRAY(SELECT coalesce(p.proargnames[u.n], '') FROM pg_catalog.unnest(p.proargmodes) WITH ORDINALITY u(m, n)
              WHERE u.m IN ('o', 'b', 't') ORDER BY u.n) AS outputs,
       p.provolatile::text AS provolatile, made.volatile AS aggregate_volatile,
       p.prosecdef OR coalesce(made.definer, false) AS security_definer, p.proleakproof AS leakproof,
       l.lanname AS language, pg_catalog.pg_get_userbyid(p.proowner) AS owner,
       EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE') AS public_execute,
       (SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = ${regclass('pg_proc')} AND d.objid = p.oid AND d.deptype = 'e'
           AND d.refclassid = ${regclass('pg_extension')}) AS extension
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  LEFT JOIN LATERAL (
    SELECT pg_catalog.max(s.provolatile) AS volatile, pg_catalog.bool_or(s.prosecdef) AS definer
      FROM pg_catalog.pg_aggregate g JOIN pg_catalog.pg_proc s ON s.oid IN (
        g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn)
     WHERE g.aggfnoid = p.oid) made ON p.prokind = 'a'`;
const FUNCTION_ORDER = `ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", p.oid LIMIT $1`;

export const BUILTIN_FUNCTION_NAMES = `
SELECT ARRAY(SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p
              WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace ORDER BY 1) AS names`;

export const FUNCTIONS = `${FUNCTION_COLUMNS} WHERE ${USER_SCHEMA} ${FUNCTION_ORDER}`;

export const BUILTIN_FUNCTIONS = `${FUNCTION_COLUMNS}
 WHERE n.nspname = 'pg_catalog' AND p.proname IN (
   SELECT p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE ${USER_SCHEMA})
 ${FUNCTION_ORDER}`;

export interface OperatorRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly left: string | null;
  readonly right: string;
  readonly result: string;
  readonly function: number;
  readonly function_schema: string;
  readonly function_name: string;
}

export const OPERATORS = `
SELECT o.oid, n.nspname AS schema, o.oprname AS name,
       CASE WHEN o.oprleft <> 0 THEN pg_catalog.format_type(o.oprleft, NULL) END AS left,
       pg_catalog.format_type(o.oprright, NULL) AS right, pg_catalog.format_type(o.oprresult, NULL) AS result,
       p.oid AS function, fn.nspname AS function_schema, p.proname AS function_name
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
  JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode JOIN pg_catalog.pg_namespace fn ON fn.oid = p.pronamespace
 WHERE (n.nspname <> 'pg_catalog' OR o.oprname IN (
   SELECT x.oprname FROM pg_catalog.pg_operator x JOIN pg_catalog.pg_namespace m ON m.oid = x.oprnamespace
    WHERE m.nspname <> 'pg_catalog'))
 ORDER BY n.nspname COLLATE "C", o.oprname COLLATE "C", o.oid
 LIMIT $1`;

export interface TypeRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly printed: string;
  readonly typtype: string;
  readonly base: string | null;
  readonly field_names: readonly string[];
  readonly field_types: readonly string[];
  readonly functions: readonly string[];
}

/** Arrays and the row types of relations follow from the rest. */
export const TYPES = `
SELECT t.oid, n.nspname AS schema, t.typname AS name, pg_catalog.format_type(t.oid, NULL) AS printed, t.typtype::text AS typtype,
       CASE t.typtype
         WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, NULL)
         WHEN 'r' THEN (SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
         WHEN 'm' THEN (SELECT pg_catalog.format_type(r.rngtypid, NULL) FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid)
       END AS base,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_names,
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_types,
       ARRAY(
         SELECT f.oid::pg_catalog.text
           FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
          WHERE ${USER_SCHEMA} AND f.oid IN (
            SELECT x FROM pg_catalog.unnest(ARRAY[t.typinput, t.typreceive, t.typmodin]::pg_catalog.oid[]) x
            UNION ALL
            SELECT x FROM pg_catalog.pg_range r, pg_catalog.unnest(ARRAY[r.rngcanonical, r.rngsubdiff]::pg_catalog.oid[]) x
             WHERE r.rngtypid = t.oid
            UNION ALL
            SELECT coalesce(o.oprcode::pg_catalog.oid, d.refobjid)
              FROM pg_catalog.pg_constraint k
              JOIN pg_catalog.pg_depend d ON d.classid = ${regclass('pg_constraint')} AND d.objid = k.oid
               AND d.refclassid IN (${regclass('pg_proc')}, ${regclass('pg_operator')})
              LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = ${regclass('pg_operator')} AND o.oid = d.refobjid
             WHERE k.contypid = t.oid)
          ORDER BY f.oid) AS functions
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
 WHERE e.oid IS NULL AND (c.oid IS NULL OR c.relkind = 'c') AND ${USER_SCHEMA}
 ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
 LIMIT $1`;

export interface CastRow {
  readonly source: string;
  readonly target: string;
  readonly context: string;
  readonly function: number | null;
}

export const CASTS = `
SELECT pg_catalog.format_type(c.castsource, NULL) AS source, pg_catalog.format_type(c.casttarget, NULL) AS target,
       c.castcontext::text AS context, CASE WHEN ${USER_SCHEMA} THEN p.oid END AS function
  FROM pg_catalog.pg_cast c
  LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE c.castcontext = 'i' OR ${USER_SCHEMA}
 ORDER BY pg_catalog.format_type(c.castsource, NULL) COLLATE "C", pg_catalog.format_type(c.casttarget, NULL) COLLATE "C"
 LIMIT $1`;
