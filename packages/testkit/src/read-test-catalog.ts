import { createHash } from 'node:crypto';
import {
  buildCatalog,
  buildFunction,
  buildRelation,
  buildType,
  type CatalogColumn,
  type CatalogFunction,
  type CatalogType,
  type PostgresCatalog,
} from '@taskgate/core';
import type { TestDatabase } from './test-postgres.ts';

type RelationRow = Omit<Parameters<typeof buildRelation>[0], 'columns'> & {
  readonly columns: readonly CatalogColumn[];
};

/**
 * The catalog of a test database as far as tests of the analysis and of the data path need it: its real OIDs, relations,
 * views, inheritance, functions and types of its own. It has no operators or triggers.
 */
export async function readTestCatalog(database: Pick<TestDatabase, 'name' | 'query'>): Promise<PostgresCatalog> {
  const [row] = await database.query<{
    server_version: number;
    relations: RelationRow[] | null;
    types: CatalogType[] | null;
    functions: CatalogFunction[] | null;
    builtin: string[];
  }>(`
    set search_path = '';
    select current_setting('server_version_num')::int as server_version,
      (select jsonb_agg(jsonb_build_object('oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname,
         'kind', case c.relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'p' then 'partitioned-table'
           when 'S' then 'sequence' else 'table' end,
         'columns', (select coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'attnum', a.attnum,
             'typeOid', a.atttypid::int8, 'typeName', format_type(a.atttypid, a.atttypmod), 'default', null,
             'generatedFrom', '[]'::jsonb) order by a.attnum), '[]')
           from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
         'definition', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
         'isPartition', c.relispartition,
         'parents', (select coalesce(jsonb_agg(inhparent::int8 order by inhseqno), '[]')
           from pg_inherits where inhrelid = c.oid)) order by n.nspname, c.relname)
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S')) as relations,
      (select jsonb_agg(jsonb_build_object('oid', t.oid::int8, 'schema', n.nspname, 'name', t.typname,
         'printed', format_type(t.oid, null), 'kind', case t.typtype when 'c' then 'composite' else 'enum' end,
         'fields', (select coalesce(jsonb_agg(jsonb_build_object('name', a.attname,
             'typeName', format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
           from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0)) order by t.typname)
       from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
       where n.nspname = 'public' and (t.typtype = 'e' or c.relkind = 'c')) as types,
      (select jsonb_agg(jsonb_build_object('oid', p.oid::int8, 'schema', n.nspname, 'name', p.proname,
         'arguments', (select coalesce(jsonb_agg(format_type(t, null) order by i), '[]')
           from unnest(p.proargtypes) with ordinality a(t, i)),
         'defaults', p.pronargdefaults, 'result', format_type(p.prorettype, null), 'returnsSet', p.proretset,
         'outputs', (select coalesce(jsonb_agg(a.name), '[]')
           from unnest(p.proargnames, p.proargmodes) a(name, mode) where a.mode in ('t', 'o', 'b')),
         'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
         'language', l.lanname) order by p.oid)
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
       where n.nspname = 'public' and p.prokind = 'f' and p.provariadic = 0) as functions,
      (select jsonb_agg(distinct proname) from pg_proc where pronamespace = 'pg_catalog'::regnamespace) as builtin`);
  const { server_version, relations, types, functions, builtin } = row!;
  const content = {
    serverVersion: server_version,
    database: database.name,
    searchPath: ['public'],
    relations: (relations ?? []).map(({ columns, ...rest }) => ({ ...buildRelation(rest), columns })),
    types: (types ?? []).map((type) => buildType(type)),
    functions: (functions ?? []).map((row) => buildFunction(row)),
    builtinFunctionNames: builtin,
  };
  return { ...buildCatalog(content), version: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}
