import type { Client, QueryArrayResult } from 'pg';
import { SAMPLE_SCHEMA, SAMPLE_TABLES, type SampleType, sampleRows } from './sample-schema.ts';

/** What a client would have seen of one statement, and what it left in the tables. */
export interface SeenResult {
  readonly error: string | null;
  readonly tag: string;
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows of every table after a write, by table. */
  readonly tables: ReadonlyMap<string, readonly (readonly (string | null)[])[]>;
}

export interface ValueOracle {
  /** Columns of tables, as `relation.column`, each of which can be changed on its own. */
  readonly columns: ReadonlySet<string>;
  /** The texts that a table's column holds. */
  readonly cells: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether a masked cell's value, or a text in it, is somewhere in a text. */
  holdsCanary(text: string): boolean;
  /** Names of a table's columns, in the order of {@link SeenResult.tables}. */
  columnsOf(table: string): readonly string[];
  /** Runs a statement with all values as they are, or with every value of one column changed; then rolls it back. */
  run(statement: string, changed: string | null, writes: boolean): Promise<SeenResult>;
}

/** Another value of the type; null stays null. */
const CHANGED: Readonly<Record<SampleType, (column: string) => string>> = {
  int: (column) => `${column} + 1000`,
  text: (column) => `reverse(${column}) || 'zz'`,
  numeric: (column) => `${column} + 1000.5`,
  date: (column) => `${column} + 400`,
  timestamptz: (column) => `${column} + interval '400 days'`,
  jsonb: (column) => `case when ${column} is not null then jsonb_build_object('z', ${column}) end`,
  texts: (column) => `case when ${column} is not null then array_prepend('zz', ${column}) end`,
  uuid: (column) => `md5(${column}::text)::uuid`,
  bytea: (column) => `${column} || '\\x7a'`,
  mood: (column) => `case ${column} when 'calm' then 'cross'::mood else 'calm' end`,
  address: (column) => `case when ${column} is not null then row('zz', (${column}).street)::address end`,
};

const BASE = 'values_base';
const TABLES = SAMPLE_TABLES.filter(({ name }) => !name.startsWith('payments_'));

/**
 * What is written is rolled back, but leaves dead rows, by which the planner would later choose otherwise. So a write
 * goes to new files, which go with the transaction.
 */
function freshCopies(statement: string): string {
  const target = /\b(?:insert into|update|delete from|merge into) (\w+)/.exec(statement)?.[1] ?? '';
  const family =
    target === 'payments' ? ['payments_eu', 'payments_us'] : target === 'animals' ? [target, 'dogs'] : [target];
  return family
    .map(
      (name) => `create temp table copy_${name} on commit drop as select * from only ${name}; truncate only ${name};
        insert into ${name} select * from copy_${name}`,
    )
    .join('; ');
}

/**
 * The database as an oracle of what can be told from a result: the sample once as it is, and once for every column with
 * that column's values changed. What does not depend on a column comes out the same.
 */
export async function openValueOracle(client: Client): Promise<ValueOracle> {
  const schemas = new Map<string, string>();
  const sample = sampleRows('values');
  const canaries = sample.canaries.flatMap(({ texts }) => texts);
  // Workers would give rows in another order each time.
  await client.query('set max_parallel_workers_per_gather = 0; set jit = off');
  const build = async (schema: string, change: string): Promise<void> => {
    await client.query(
      `create schema ${schema}; set search_path = ${schema}; ${SAMPLE_SCHEMA} ${sample.sql} ${change}
       refresh materialized view kept; reset search_path`,
    );
  };
  await build(BASE, '');
  for (const table of SAMPLE_TABLES) {
    // A partitioned table's values are those of its partitions.
    if (table.name === 'payments') continue;
    for (const { name, type } of table.columns) {
      if (name === 'region') continue;
      const schema = `values_${schemas.size}`;
      const cells = table.columns.map((column) => (column.name === name ? CHANGED[type](name) : column.name));
      // Written anew rather than updated: dead rows would let the planner choose otherwise.
      await build(
        schema,
        `create temp table unchanged as select * from only ${table.name}; truncate only ${table.name};
         insert into ${table.name} select ${cells.join(', ')} from unchanged; drop table unchanged;`,
      );
      schemas.set(`${table.name}.${name}`, schema);
    }
  }
  const ask = async (schema: string, statement: string, writes: boolean): Promise<SeenResult> => {
    const dump = writes ? TABLES.map(({ name }) => `table ${name};`).join(' ') : '';
    const fresh = writes ? `${freshCopies(statement)};` : '';
    const text = `begin; set local search_path = ${schema}; set local statement_timeout = 700; ${fresh}
      ${statement.replaceAll('public.', `${schema}.`).replaceAll('$1', `'paid'::text`).replaceAll('$2', '2::int')}; ${dump} rollback`;
    try {
      const results = (await client.query({
        text,
        rowMode: 'array',
        types: { getTypeParser: () => (value: unknown) => value },
      })) as unknown as QueryArrayResult<(string | null)[]>[];
      const own = results.at(writes ? -2 - TABLES.length : -2)!;
      const dumps = results.slice(-1 - TABLES.length);
      const tables = new Map(writes ? TABLES.map(({ name }, index) => [name, dumps[index]!.rows]) : []);
      return { error: null, tag: `${own.command} ${own.rowCount}`, rows: own.rows, tables };
    } catch (error) {
      await client.query('rollback');
      return { error: (error as Error).message, tag: '', rows: [], tables: new Map() };
    }
  };
  const cells = new Map<string, Set<string>>();
  for (const table of SAMPLE_TABLES) {
    const { rows } = await ask(
      BASE,
      `select ${table.columns.map(({ name }) => name).join(', ')} from ${table.name}`,
      false,
    );
    for (const [index, { name }] of table.columns.entries())
      cells.set(`${table.name}.${name}`, new Set(rows.flatMap((row) => row[index] ?? [])));
  }
  return {
    columns: new Set(schemas.keys()),
    cells,
    holdsCanary: (text) => canaries.some((canary) => text.includes(canary)),
    columnsOf: (table) => SAMPLE_TABLES.find(({ name }) => name === table)?.columns.map(({ name }) => name) ?? [],
    run: (statement, changed, writes) => ask(changed === null ? BASE : schemas.get(changed)!, statement, writes),
  };
}
