import { createHash } from 'node:crypto';
import { buildCatalog, buildRelation, type PostgresCatalog } from '@taskgate/core';
import type { TestDatabase } from '@taskgate/testkit';

/** The catalog of a test database, as far as tests of the data path need it: its real OIDs. */
export async function readTestCatalog(database: TestDatabase): Promise<PostgresCatalog> {
  const relations = await database.query<{
    oid: number;
    name: string;
    relkind: string;
    definition: string | null;
    columns: { name: string; attnum: number; typeOid: number; typeName: string }[];
  }>(`
    set search_path = '';
    select c.oid::int8::int as oid, c.relname as name, c.relkind::text as relkind,
      case when c.relkind in ('v','m') then pg_catalog.pg_get_viewdef(c.oid) end as definition,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname, 'attnum', a.attnum, 'typeOid', a.atttypid::int8,
        'typeName', pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r','p','v','m','S') order by c.relname`);
  const [version] = await database.query<{ v: string }>(`select current_setting('server_version_num') as v`);
  const content = {
    serverVersion: Number(version!.v),
    database: database.name,
    searchPath: ['public'],
    relations: relations.map(({ oid, name, relkind, definition, columns }) => ({
      ...buildRelation({
        oid,
        name,
        kind: relkind === 'v' ? 'view' : relkind === 'S' ? 'sequence' : 'table',
        definition,
      }),
      columns: columns.map((column) => ({ ...column, default: null, generatedFrom: [] })),
    })),
  };
  return { ...buildCatalog(content), version: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}
