import type { PrincipalPrivileges } from '@taskgate/policy';
import type { Client } from 'pg';
import { quoted, quotedRelation } from './principal-names.ts';

/** One GRANT that a task's role needs. */
export interface PlannedGrant {
  /** `SELECT ("a", "b") ON "public"."t"`: what stands between GRANT and TO. */
  readonly sql: string;
  /** With the OID of what it is on: the same name may be another thing tomorrow. */
  readonly key: string;
  /** The credential may give it. */
  readonly givable: boolean;
  /** Everybody has it anyway. */
  readonly everybody: boolean;
}

interface Wanted {
  readonly of: 'relation' | 'sequence' | 'function' | 'schema' | 'database';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly privilege: string;
  readonly columns: readonly string[] | null;
}

/**
 * All grants of a task's role with whether each can be given, in one order. What the catalog named and the target does
 * not have any more under that name and OID makes this throw: the catalog must be read again.
 */
export async function planGrants(client: Client, privileges: PrincipalPrivileges): Promise<readonly PlannedGrant[]> {
  const wanted: Wanted[] = [
    ...privileges.schemas.map((name) => ({
      of: 'schema' as const,
      oid: 0,
      schema: name,
      name,
      privilege: 'USAGE',
      columns: null,
    })),
    { of: 'database', oid: 0, schema: '', name: '', privilege: 'CONNECT', columns: null },
    ...privileges.relations.map((one) => ({ of: 'relation' as const, ...one })),
    ...(await sequences(client, privileges)),
    ...privileges.functions.map((one) => ({ of: 'function' as const, ...one, privilege: 'EXECUTE', columns: null })),
  ];
  const { rows } = await client.query<{
    at: number;
    givable: boolean | null;
    everybody: boolean | null;
    oid: number | null;
    signature: string | null;
  }>(GRANTABLE, [JSON.stringify(wanted.map((one, at) => ({ at, ...one })))]);
  const found = new Map(rows.map((row) => [row.at, row]));
  return wanted.map((one, at) => {
    const row = found.get(at);
    if (row === undefined || row.givable === null) throw new CatalogOutdated();
    const sql = grantSql(one, row.signature);
    return { sql, key: `${sql} ${row.oid ?? ''}`, givable: row.givable, everybody: row.everybody ?? false };
  });
}

/** What the privileges were computed from is not what the target has. */
export class CatalogOutdated extends Error {}

function grantSql(one: Wanted, signature: string | null): string {
  switch (one.of) {
    case 'schema':
      return `USAGE ON SCHEMA ${quoted(one.name)}`;
    case 'database':
      return `CONNECT ON DATABASE ${quoted(signature ?? '')}`;
    case 'sequence':
      return `${one.privilege} ON SEQUENCE ${quotedRelation(one)}`;
    case 'function':
      // With its arguments, as the server prints them under an empty search path.
      return `EXECUTE ON ROUTINE ${signature ?? ''}`;
    case 'relation': {
      const columns = one.columns === null ? '' : ` (${one.columns.map(quoted).join(', ')})`;
      return `${one.privilege}${columns} ON ${quotedRelation(one)}`;
    }
  }
}

/** Those that defaults of columns draw from where rows are inserted; all of them where a rule opens `nextval` and its like. */
async function sequences(client: Client, privileges: PrincipalPrivileges): Promise<readonly Wanted[]> {
  const inserted = privileges.relations.filter((one) => one.privilege === 'INSERT').map((one) => one.oid);
  const all = privileges.sequences.length > 0;
  if (inserted.length === 0 && !all) return [];
  const { rows } = await client.query<{ oid: number; schema: string; name: string; drawn: boolean }>(
    `SELECT s.oid, n.nspname AS schema, s.relname AS name, s.oid IN (
              SELECT d.refobjid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef a ON a.oid = d.objid
               WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.adrelid = ANY ($1::pg_catalog.oid[])
                 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) AS drawn
       FROM pg_catalog.pg_class s JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
      WHERE s.relkind = 'S' AND n.nspname !~ '^pg_' ORDER BY s.oid`,
    [inserted],
  );
  return rows.flatMap(({ oid, schema, name, drawn }) => {
    const given = new Set<string>(all ? privileges.sequences : []);
    if (drawn) given.add('USAGE');
    return [...given]
      .sort()
      .map((privilege) => ({ of: 'sequence' as const, oid, schema, name, privilege, columns: null }));
  });
}

/** `givable` is null where the thing is not there under that name. A privilege on columns must be givable on each. */
const GRANTABLE = `
SELECT w.at, CASE w."of"
         WHEN 'schema' THEN pg_catalog.has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION')
         WHEN 'database' THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CONNECT WITH GRANT OPTION')
         WHEN 'function' THEN pg_catalog.has_function_privilege(p.oid, 'EXECUTE WITH GRANT OPTION')
         WHEN 'sequence' THEN pg_catalog.has_sequence_privilege(c.oid, w.privilege || ' WITH GRANT OPTION')
         ELSE CASE WHEN w.columns IS NULL OR w.columns = 'null'
              THEN pg_catalog.has_table_privilege(c.oid, w.privilege || ' WITH GRANT OPTION')
              ELSE (SELECT CASE WHEN count(a.attnum) = count(*) THEN pg_catalog.bool_and(
                             pg_catalog.has_column_privilege(c.oid, a.attnum, w.privilege || ' WITH GRANT OPTION')) END
                      FROM pg_catalog.jsonb_array_elements_text(w.columns) AS x(name)
                      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = x.name AND NOT a.attisdropped)
         END END AS givable,
       CASE w."of"
         WHEN 'schema' THEN pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
         WHEN 'database' THEN pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'CONNECT')
         WHEN 'function' THEN pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
         WHEN 'sequence' THEN pg_catalog.has_sequence_privilege('public', c.oid, w.privilege)
         ELSE pg_catalog.has_table_privilege('public', c.oid, w.privilege)
       END AS everybody,
       coalesce(c.oid, p.oid, n.oid) AS oid,
       CASE w."of" WHEN 'function' THEN p.oid::pg_catalog.regprocedure::pg_catalog.text
                   WHEN 'database' THEN pg_catalog.current_database() END AS signature
  FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb)
       AS w(at int, "of" text, oid pg_catalog.oid, schema text, name text, privilege text, columns jsonb)
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_catalog.pg_class c ON w."of" IN ('relation', 'sequence') AND c.oid = w.oid AND c.relname = w.name AND c.relnamespace = n.oid
  LEFT JOIN pg_catalog.pg_proc p ON w."of" = 'function' AND p.oid = w.oid AND p.proname = w.name AND p.pronamespace = n.oid`;
