import { createHash } from 'node:crypto';
import {
  assert,
  type CatalogColumn,
  type CatalogFunction,
  type CatalogRelation,
  type CatalogType,
  type PostgresCatalog,
  TaskgateError,
} from '@taskgate/core';
import type { Client, QueryResultRow } from 'pg';
import {
  COLUMNS,
  type ColumnRow,
  FUNCTIONS,
  type FunctionRow,
  OPERATORS,
  type OperatorRow,
  RELATIONS,
  type RelationRow,
  TYPES,
  type TypeRow,
} from './catalog-queries.ts';

const MAX = { relations: 20_000, columns: 300_000, functions: 50_000, operators: 20_000, types: 60_000 } as const;
const OLDEST_SERVER = 15;
const NEWEST_SERVER = 18;
/** What the gate pins at the target. */
const SEARCH_PATH: readonly string[] = ['public'];

/** As `server_version_num`. Throws `not-supported` for a major version whose grammar the gate does not have. */
export async function readServerVersion(client: Client): Promise<number> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT pg_catalog.current_setting('server_version_num') AS version`,
  );
  const version = Number(rows[0]?.version);
  const major = Math.floor(version / 10_000);
  if (!(major >= OLDEST_SERVER && major <= NEWEST_SERVER))
    throw new TaskgateError(
      'not-supported',
      `the server is Postgres ${Number.isFinite(major) ? major : 'of a version that is not known'}; Postgres ${OLDEST_SERVER} to ${NEWEST_SERVER} can be guarded`,
    );
  return version;
}

/**
 * The catalog as of one snapshot. Throws `not-supported` (server version), or `too-large` where the database has more
 * than the gate keeps in memory: part of a catalog would make decisions on names that are not what they seem.
 */
export async function readCatalog(client: Client): Promise<PostgresCatalog> {
  const serverVersion = await readServerVersion(client);
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    await client.query(`SET LOCAL search_path = ''`);
    const { rows } = await client.query<{ database: string }>('SELECT pg_catalog.current_database() AS database');
    const content: Omit<PostgresCatalog, 'version'> = {
      serverVersion,
      database: rows[0]!.database,
      searchPath: SEARCH_PATH,
      relations: toRelations(
        await all<RelationRow>(client, RELATIONS, MAX.relations, 'relations'),
        await all<ColumnRow>(client, COLUMNS, MAX.columns, 'columns'),
      ),
      functions: (await all<FunctionRow>(client, FUNCTIONS, MAX.functions, 'functions')).map(toFunction),
      operators: await all<OperatorRow>(client, OPERATORS, MAX.operators, 'operators'),
      types: (await all<TypeRow>(client, TYPES, MAX.types, 'types')).map(toType),
    };
    return { version: catalogVersion(content), ...content };
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Hex SHA-256 of the JSON: every object here is built with its keys in one order, every list is sorted. */
export function catalogVersion(content: Omit<PostgresCatalog, 'version'>): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

async function all<Row extends QueryResultRow>(client: Client, sql: string, max: number, what: string): Promise<Row[]> {
  const { rows } = await client.query<Row>(sql, [max + 1]);
  if (rows.length > max)
    throw new TaskgateError('too-large', `the database has more than ${max} ${what}; give the gate one with fewer`);
  return rows;
}

const RELATION_KINDS: Readonly<Record<string, CatalogRelation['kind']>> = {
  r: 'table',
  p: 'partitioned-table',
  v: 'view',
  m: 'materialized-view',
  f: 'foreign-table',
  S: 'sequence',
};

function toRelations(rows: readonly RelationRow[], columnRows: readonly ColumnRow[]): readonly CatalogRelation[] {
  const columns = new Map<number, CatalogColumn[]>();
  for (const row of columnRows) {
    const list = columns.get(row.relation) ?? [];
    list.push({ name: row.name, attnum: row.attnum, typeOid: row.type_oid, typeName: row.type_name });
    columns.set(row.relation, list);
  }
  return rows.map((row) => ({
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: known(RELATION_KINDS, row.relkind),
    columns: columns.get(row.oid) ?? [],
    definition: row.definition,
    parents: row.parents.map(Number),
    hasTriggers: row.has_triggers,
    hasRules: row.has_rules,
  }));
}

const FUNCTION_KINDS: Readonly<Record<string, CatalogFunction['kind']>> = {
  f: 'function',
  p: 'procedure',
  a: 'aggregate',
  w: 'window',
};
const VOLATILITIES: Readonly<Record<string, CatalogFunction['volatility']>> = {
  i: 'immutable',
  s: 'stable',
  v: 'volatile',
};

const toFunction = (row: FunctionRow): CatalogFunction => ({
  oid: row.oid,
  schema: row.schema,
  name: row.name,
  kind: known(FUNCTION_KINDS, row.prokind),
  volatility: known(VOLATILITIES, row.provolatile),
  securityDefiner: row.security_definer,
});

const TYPE_KINDS: Readonly<Record<string, CatalogType['kind']>> = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  r: 'range',
  m: 'multirange',
  p: 'pseudo',
};

const toType = (row: TypeRow): CatalogType => ({
  oid: row.oid,
  schema: row.schema,
  name: row.name,
  kind: known(TYPE_KINDS, row.typtype),
});

function known<T>(kinds: Readonly<Record<string, T>>, letter: string): T {
  const kind = kinds[letter];
  assert(kind !== undefined, `the catalog has a kind \`${letter}\` that is not known`);
  return kind;
}
