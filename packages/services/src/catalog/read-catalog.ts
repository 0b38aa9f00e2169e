import { createHash } from 'node:crypto';
import {
  assert,
  CATALOG_FORMAT,
  type CatalogCast,
  type CatalogColumn,
  type CatalogForeignKey,
  type CatalogFunction,
  type CatalogPrivilege,
  type CatalogRelation,
  type CatalogRule,
  type CatalogTrigger,
  type CatalogType,
  type PostgresCatalog,
  TaskgateError,
} from '@taskgate/core';
import type { Client, QueryResultRow } from 'pg';
import * as queries from './catalog-queries.ts';

/** Rows of each list; of what belongs to relations, in all. */
const MAX = {
  schemas: 5_000,
  relations: 20_000,
  parents: 20_000,
  columns: 300_000,
  triggers: 40_000,
  rules: 5_000,
  'foreign keys': 40_000,
  'functions in defaults and checks': 50_000,
  functions: 50_000,
  operators: 20_000,
  types: 60_000,
  casts: 20_000,
} as const;
/** Of the whole as JSON. It is held in memory by each gateway and kept in the store. */
const MAX_BYTES = 64 * 1024 * 1024;
const OLDEST_SERVER = 15;
const NEWEST_SERVER = 18;
const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema']);

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
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(client);
    } catch (error) {
      if (attempt >= ATTEMPTS || (error as { code?: unknown }).code !== DROPPED_MEANWHILE) throw error;
    }
  }
}

const ATTEMPTS = 5;
/** What the server's own functions (`pg_get_viewdef`) fail with where a relation is dropped while they run: they look past the snapshot. */
const DROPPED_MEANWHILE = 'XX000';

async function readOnce(client: Client): Promise<PostgresCatalog> {
  const serverVersion = await readServerVersion(client);
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    const { rows: paths } = await client.query<{ path: string[] }>(queries.SEARCH_PATH);
    await client.query(`SET LOCAL search_path = ''`);
    const { rows: builtins } = await client.query<{ names: string[] }>(queries.BUILTIN_FUNCTION_NAMES);
    const { rows: databases } = await client.query<queries.DatabaseRow>(queries.DATABASE);
    const all = async <Row extends QueryResultRow>(sql: string, what: keyof typeof MAX): Promise<readonly Row[]> => {
      const { rows } = await client.query<Row>(sql, [MAX[what] + 1]);
      if (rows.length > MAX[what])
        throw new TaskgateError(
          'too-large',
          `the database has more than ${MAX[what]} ${what}; give the gate one with fewer`,
        );
      return rows;
    };
    const schemas = await all<queries.SchemaRow>(queries.SCHEMAS, 'schemas');
    const functions = await all<queries.FunctionRow>(queries.FUNCTIONS, 'functions');
    const content: Omit<PostgresCatalog, 'version'> = {
      format: CATALOG_FORMAT,
      serverVersion,
      database: databases[0]!.database,
      searchPath: paths[0]!.path.filter((schema) => !SYSTEM_SCHEMAS.has(schema) && !schema.startsWith('pg_')),
      schemas: schemas.map(({ name, owner, public_privileges }) => ({
        name,
        owner,
        publicPrivileges: public_privileges,
      })),
      publicPrivileges: databases[0]!.public_privileges,
      relations: await readRelations(all, new Set(functions.map(({ oid }) => oid))),
      systemRelations: (await all<queries.SystemRelationRow>(queries.SYSTEM_RELATIONS, 'relations')).map(
        ({ oid, schema, name, columns }) => ({ oid, schema, name, columns }),
      ),
      functions: functions.map(toFunction),
      builtinFunctionNames: builtins[0]!.names,
      builtinFunctions: (await all<queries.FunctionRow>(queries.BUILTIN_FUNCTIONS, 'functions')).map(toFunction),
      operators: (await all<queries.OperatorRow>(queries.OPERATORS, 'operators')).map((row) => ({
        oid: row.oid,
        schema: row.schema,
        name: row.name,
        left: row.left,
        right: row.right,
        result: row.result,
        functionOid: row.function,
        functionSchema: row.function_schema,
        functionName: row.function_name,
      })),
      types: (await all<queries.TypeRow>(queries.TYPES, 'types')).map(toType),
      casts: (await all<queries.CastRow>(queries.CASTS, 'casts')).map(toCast),
    };
    return { version: catalogVersion(content), ...content };
  } finally {
    await client.query('ROLLBACK');
  }
}

/**
 * Hex SHA-256 of the JSON: every object here is built with its keys in one order, every list is sorted. Throws
 * `too-large`.
 */
export function catalogVersion(content: Omit<PostgresCatalog, 'version'>): string {
  const json = JSON.stringify(content);
  if (json.length > MAX_BYTES)
    throw new TaskgateError(
      'too-large',
      `what describes the database takes more than ${MAX_BYTES / 1024 / 1024} MiB; give the gate a smaller one`,
    );
  return createHash('sha256').update(json).digest('hex');
}

type ReadAll = <Row extends QueryResultRow>(sql: string, what: keyof typeof MAX) => Promise<readonly Row[]>;

async function readRelations(all: ReadAll, functions: ReadonlySet<number>): Promise<readonly CatalogRelation[]> {
  const rows = await all<queries.RelationRow>(queries.RELATIONS, 'relations');
  const columns = byRelation(await all<queries.ColumnRow>(queries.COLUMNS, 'columns'));
  const parents = byRelation(await all<queries.ParentRow>(queries.PARENTS, 'parents'));
  const generated = byRelation(await all<queries.GeneratedRow>(queries.GENERATED, 'columns'));
  const triggers = byRelation(await all<queries.TriggerRow>(queries.TRIGGERS, 'triggers'));
  const rules = byRelation(await all<queries.RuleRow>(queries.RULES, 'rules'));
  const foreignKeys = byRelation(await all<queries.ForeignKeyRow>(queries.FOREIGN_KEYS, 'foreign keys'));
  const used = byRelation(
    await all<queries.UsedFunctionRow>(queries.USED_FUNCTIONS, 'functions in defaults and checks'),
  );
  return rows.map((row) => {
    const own = columns(row.oid);
    const usedBy = (inPolicy: boolean) =>
      used(row.oid).flatMap((one) => (one.in_policy === inPolicy && functions.has(one.function) ? [one.function] : []));
    return {
      oid: row.oid,
      schema: row.schema,
      name: row.name,
      kind: known(RELATION_KINDS, row.relkind),
      owner: row.owner,
      columns: own.map((column) => toColumn(column, generated(row.oid))),
      definition: row.definition,
      securityInvoker: row.security_invoker,
      securityBarrier: row.security_barrier,
      parents: parents(row.oid).map(({ parent }) => parent),
      isPartition: row.is_partition,
      rowSecurity: row.row_security,
      triggers: triggers(row.oid).map(toTrigger),
      rules: rules(row.oid).map(toRule),
      foreignKeys: foreignKeys(row.oid).map(toForeignKey),
      writeFunctions: usedBy(false),
      policyFunctions: usedBy(true),
      publicPrivileges: [
        ...row.public_privileges.map((privilege): CatalogPrivilege => ({ privilege, column: null })),
        ...own.flatMap((column) =>
          column.public_privileges.map((privilege): CatalogPrivilege => ({ privilege, column: column.name })),
        ),
      ],
    };
  });
}

function byRelation<Row extends { readonly relation: number }>(
  rows: readonly Row[],
): (relation: number) => readonly Row[] {
  const found = new Map<number, Row[]>();
  for (const row of rows) {
    const list = found.get(row.relation);
    if (list === undefined) found.set(row.relation, [row]);
    else list.push(row);
  }
  return (relation) => found.get(relation) ?? [];
}

const RELATION_KINDS: Readonly<Record<string, CatalogRelation['kind']>> = {
  r: 'table',
  p: 'partitioned-table',
  v: 'view',
  m: 'materialized-view',
  f: 'foreign-table',
  S: 'sequence',
};

const toColumn = (row: queries.ColumnRow, generated: readonly queries.GeneratedRow[]): CatalogColumn => ({
  name: row.name,
  attnum: row.attnum,
  typeOid: row.type_oid,
  typeName: row.type_name,
  default:
    row.generated !== '' ? 'generated' : row.identity !== '' ? 'identity' : row.has_default ? 'expression' : null,
  generatedFrom: generated.flatMap(({ attnum, source }) => (attnum === row.attnum ? [source] : [])),
});

const TRIGGER_EVENTS = [
  [4, 'insert'],
  [16, 'update'],
  [8, 'delete'],
  [32, 'truncate'],
] as const;

/** `type` is pg_trigger's bit mask (TRIGGER_TYPE_* in the server's pg_trigger.h). */
const toTrigger = (row: queries.TriggerRow): CatalogTrigger => ({
  name: row.name,
  functionOid: row.function_oid,
  functionName: row.function_name,
  timing: (row.type & 64) !== 0 ? 'instead-of' : (row.type & 2) !== 0 ? 'before' : 'after',
  forEachRow: (row.type & 1) !== 0,
  events: TRIGGER_EVENTS.flatMap(([bit, event]) => ((row.type & bit) !== 0 ? [event] : [])),
});

const RULE_EVENTS: Readonly<Record<string, CatalogRule['event']>> = {
  '1': 'select',
  '2': 'update',
  '3': 'insert',
  '4': 'delete',
};

const toRule = (row: queries.RuleRow): CatalogRule => ({
  name: row.name,
  event: known(RULE_EVENTS, row.event),
  instead: row.instead,
  definition: row.definition,
});

const KEY_ACTIONS: Readonly<Record<string, CatalogForeignKey['onDelete']>> = {
  c: 'cascade',
  n: 'set-null',
  d: 'set-default',
  a: null,
  r: null,
};

const toForeignKey = (row: queries.ForeignKeyRow): CatalogForeignKey => ({
  name: row.name,
  references: row.references,
  onDelete: known(KEY_ACTIONS, row.on_delete),
  onUpdate: known(KEY_ACTIONS, row.on_update),
});

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

const toFunction = (row: queries.FunctionRow): CatalogFunction => ({
  oid: row.oid,
  schema: row.schema,
  name: row.name,
  kind: known(FUNCTION_KINDS, row.prokind),
  arguments: row.arguments,
  argumentNames: row.argument_names.some((name) => name !== '') ? row.argument_names : [],
  variadic: row.is_variadic,
  defaults: row.defaults,
  result: row.result,
  returnsSet: row.returns_set,
  outputs: row.outputs,
  volatility: known(VOLATILITIES, row.aggregate_volatile ?? row.provolatile),
  securityDefiner: row.security_definer,
  leakproof: row.leakproof,
  language: row.language,
  owner: row.owner,
  publicExecute: row.public_execute,
  extension: row.extension,
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

const toType = (row: queries.TypeRow): CatalogType => ({
  oid: row.oid,
  schema: row.schema,
  name: row.name,
  printed: row.printed,
  kind: known(TYPE_KINDS, row.typtype),
  base: row.base,
  fields: row.field_names.map((name, index) => ({ name, typeName: row.field_types[index]! })),
  functions: row.functions.map(Number),
});

const CAST_CONTEXTS: Readonly<Record<string, CatalogCast['context']>> = {
  i: 'implicit',
  a: 'assignment',
  e: 'explicit',
};

const toCast = (row: queries.CastRow): CatalogCast => ({
  source: row.source,
  target: row.target,
  context: known(CAST_CONTEXTS, row.context),
  functionOid: row.function,
});

function known<T>(kinds: Readonly<Record<string, T>>, letter: string): T {
  assert(Object.hasOwn(kinds, letter), `the catalog has a kind \`${letter}\` that is not known`);
  return kinds[letter] as T;
}
