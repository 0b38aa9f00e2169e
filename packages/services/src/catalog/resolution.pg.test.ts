import type { FunctionUse, PostgresCatalog } from '@taskgate/core';
import { createSqlAnalyzer, HARMLESS_FUNCTIONS, type SqlAnalyzer } from '@taskgate/sql';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCatalog } from './read-catalog.ts';

/**
 * The server is the oracle: a view keeps in pg_depend which functions of the database its query calls. The candidates of
 * the analysis must hold the one that the server chose, for every call of a schema full of overloads.
 */
const TYPES = ['int', 'bigint', 'smallint', 'numeric', 'float8', 'text', 'varchar(9)', 'name', 'char(3)', 'bool'];
const MORE = ['date', 'timestamp', 'timestamptz', 'interval', 'jsonb', 'int[]', 'text[]', 'bigint[]', 'oid'];
const OWN = ['mood', 'small', 'pair', 'wide', 'mood[]'];

const SCHEMA = `
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE DOMAIN small AS int CHECK (VALUE < 100);
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN wide AS text;
  CREATE TABLE t (${[...TYPES, ...MORE, ...OWN].map((type, index) => `c${index} ${type}`).join(', ')});
  CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
  CREATE FUNCTION lower(mood) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
  CREATE FUNCTION upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'never'$$;
  CREATE FUNCTION length(bigint) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION abs(small) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION f(bigint) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
  CREATE FUNCTION f(mood) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
  CREATE FUNCTION f(VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
  CREATE FUNCTION f(int, int DEFAULT 1, int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION f(anyelement, anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION g(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION g(b text, a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION g(a float8, c date) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION g(VARIADIC numeric[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION h(VARIADIC "any") RETURNS int LANGUAGE internal AS 'pg_num_nulls';
  CREATE FUNCTION h(wide) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION h(pair) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION h(t) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE AGGREGATE sum(text) (SFUNC = textcat, STYPE = text);
  CREATE FUNCTION to_small(mood) RETURNS small LANGUAGE sql AS 'SELECT 1::small';
  CREATE FUNCTION mood_int(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE CAST (mood AS int) WITH FUNCTION mood_int(mood) AS IMPLICIT;
  CREATE FUNCTION minus(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1';
  CREATE OPERATOR - (LEFTARG = text, RIGHTARG = text, FUNCTION = minus);
  CREATE FUNCTION equals(varchar, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
  CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = int, FUNCTION = equals);
  CREATE FUNCTION same(mood, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
  CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = text, FUNCTION = same);
  CREATE FUNCTION negate(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
  CREATE OPERATOR - (RIGHTARG = text, FUNCTION = negate);
  CREATE SCHEMA app;
  CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION app.f(smallint) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION app.g(text, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION app.k(numeric) RETURNS int LANGUAGE sql AS 'SELECT 1';
`;
const COUNT = Number(process.env.TASKGATE_RESOLUTION_CALLS ?? 1_500);
const SEED = Number(process.env.TASKGATE_RESOLUTION_SEED ?? 20_261_126);

const VOLATILE_AND_HARMLESS = [
  ...['array_sample', 'array_shuffle', 'clock_timestamp', 'current_query', 'currval', 'gen_random_uuid', 'lastval'],
  ...['pg_advisory_unlock', 'pg_advisory_unlock_all', 'pg_advisory_unlock_shared'],
  ...['pg_collation_actual_version', 'pg_database_size', 'pg_indexes_size', 'pg_is_in_recovery'],
  ...['pg_is_wal_replay_paused', 'pg_jit_available', 'pg_partition_ancestors', 'pg_partition_tree'],
  ...['pg_relation_size', 'pg_table_size', 'pg_tablespace_size', 'pg_total_relation_size', 'random', 'random_normal'],
  'timeofday',
];

const EXTENSIONS = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE EXTENSION ltree;
  CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION intarray; CREATE EXTENSION tablefunc; CREATE EXTENSION dblink;
  CREATE TABLE people (
    id int PRIMARY KEY, key uuid DEFAULT uuid_generate_v4(), email citext UNIQUE, name text, tags hstore, made timestamptz);
`;

/** Random expressions over the columns of `t`, from a seed. */
function createExpressionMaker(seed: number): () => string {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const types = [...TYPES, ...MORE, ...OWN];
  const operand = (depth: number): string => {
    switch (random(depth > 0 ? 12 : 9)) {
      case 0:
        return pick(['1', '12345678901', '1.5', "'1'", "'good'", 'NULL', 'true', "'{1}'"]);
      case 1:
        return `${pick(["'1'", 'NULL', `c${random(types.length)}`])}::${pick(types)}`;
      case 2:
        return `(SELECT s.x FROM (SELECT c${random(types.length)} AS x FROM t) s LIMIT 1)`;
      case 3:
        return pick(['t', 'v.x', 'v.y', 'pair(c0)', "ARRAY['a']", 'ARRAY[1, 2]', '$$x$$', 'ROW(1, $$x$$)']);
      case 9:
      case 10:
        return call(depth - 1);
      case 11:
        return `(${operation(depth - 1)})`;
      default:
        return `c${random(types.length)}`;
    }
  };
  const call = (depth: number): string => {
    const name = pick([
      'lower',
      'upper',
      'length',
      'abs',
      'f',
      'f',
      'f',
      'g',
      'g',
      'h',
      'sum',
      'app.f',
      'public.f',
      'k',
    ]);
    const count = pick([1, 1, 1, 2, 2, 3, 0]);
    const given = Array.from({ length: count }, () => operand(depth));
    if (name === 'g' && random(3) === 0) {
      const names = pick([['a'], ['b'], ['a', 'b'], ['b', 'a'], ['c', 'a']]);
      return `g(${names.map((one, index) => `${one} => ${given[index] ?? operand(depth)}`).join(', ')})`;
    }
    const last = given.length > 0 && random(8) === 0 ? `VARIADIC ${given.pop()}` : null;
    return `${name}(${[...given, ...(last === null ? [] : [last])].join(', ')})`;
  };
  const operation = (depth: number): string => {
    const left = operand(depth);
    const right = operand(depth);
    switch (random(7)) {
      case 0:
        return `- ${right}`;
      case 1:
        return `${left} IN (${right}, ${operand(0)})`;
      case 2:
        return `${left} = ANY (ARRAY[${right}])`;
      case 3:
        return `CASE ${left} WHEN ${right} THEN 1 END`;
      case 4:
        return `${left} - ${right}`;
      default:
        return `${left} = ${right}`;
    }
  };
  return () => {
    switch (random(4)) {
      case 0:
        return operation(1);
      default:
        return call(1);
    }
  };
}

describe('a call', () => {
  let server: TestPostgres;
  let database: TestDatabase;
  let client: Client;
  let catalog: PostgresCatalog;
  let analyzer: SqlAnalyzer;
  let extended: PostgresCatalog;

  beforeAll(async () => {
    server = await startTestPostgres();
    database = await server.createDatabase();
    await database.query(SCHEMA);
    client = await database.connect();
    await client.query('SET search_path = public, app, pg_temp');
    catalog = { ...(await readCatalog(client)), searchPath: ['public', 'app'] };
    const other = await server.createDatabase();
    await other.query(EXTENSIONS);
    extended = await readCatalog(await other.connect());
    analyzer = await createSqlAnalyzer(Math.floor(catalog.serverVersion / 10_000));
  }, 300_000);
  afterAll(async () => {
    await database?.drop();
    await server?.stop();
  });

  /** Functions of the database that the server chose for a query: the names and arguments of each. */
  async function chosen(text: string): Promise<readonly number[] | null> {
    await client.query('BEGIN');
    try {
      await client.query(`CREATE VIEW chosen AS ${text}`);
      const { rows } = await client.query<{ oid: number }>(`
        SELECT DISTINCT coalesce(o.oprcode::oid, d.refobjid) AS oid
          FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
           AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
          LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         WHERE r.ev_class = 'chosen'::regclass`);
      return rows.map(({ oid }) => oid);
    } catch {
      return null;
    } finally {
      await client.query('ROLLBACK');
    }
  }

  test('never runs a function of the database that is not among the candidates', { timeout: 900_000 }, async () => {
    const next = createExpressionMaker(SEED);
    const wrong: string[] = [];
    let taken = 0;
    let own = 0;
    let uses = 0;
    let sure = 0;
    for (let index = 0; index < COUNT; index += 1) {
      const text = `SELECT ${next()} AS x FROM t, (SELECT 'a' AS x, 1 AS y UNION ALL SELECT 'b', 2) v`;
      const oids = await chosen(text);
      if (oids === null) continue;
      taken += 1;
      own += oids.length;
      const [operation] = analyzer.analyze(text, catalog);
      // What is not understood is refused anyway.
      if (operation!.unknowns.length > 0) continue;
      const candidates = new Set(
        operation!.functions.flatMap((use: FunctionUse) => use.candidates.map(({ oid }) => oid)),
      );
      for (const oid of oids) if (!candidates.has(oid)) wrong.push(`${oid} in ${text}`);
      uses += operation!.functions.length;
      sure += operation!.functions.filter((use: FunctionUse) => use.candidates.length === 1).length;
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(taken).toBeGreaterThan(COUNT / 10);
    expect(own).toBeGreaterThan(COUNT / 20);
    // Not by giving up: most have one candidate.
    expect(sure / uses).toBeGreaterThan(0.5);
  });

  test.each([
    "select id from people where email = 'a@b.c' and id = 1",
    'select id from people where email = $1 and id = $2',
    'select id from people where lower(name) = $1 or upper(name) = lower(name)',
    "select email, tags -> 'a' as tag, tags ? 'b' as has from people where name % 'bob' order by email",
    "select similarity(name, 'bob'), count(*) from people where made > now() - interval '1 day' group by 1",
    'select p.id from people p join people q on q.email = p.email and q.id = p.id + 1 where p.id in (1, 2)',
    "select id from people where email like 'a%' and name <> 'x' and name = any ($1) and -id < 5",
    "insert into people (id, email, tags) values (1, 'a', 'b=>c')",
    "update people set email = 'b', tags = tags || 'd=>e'::hstore where id = 2",
    "select case email when 'a' then 1 end, name::citext, email::text, max(email) from people group by email, name",
    'select id from people join people q using (id, email)',
  ])('in a database of extensions, ordinary statements stay harmless: %s', async (text) => {
    const [operation] = analyzer.analyze(text, extended);
    expect(operation!.unknowns).toEqual([]);
    expect(operation!.functions.filter((use) => !use.harmless)).toEqual([]);
  });

  test('functions in C of extensions that reach out are not harmless', () => {
    for (const text of [
      "select * from crosstab('select 1, 2, 3') as c(a int, b int)",
      "select dblink_exec('host=x', 'drop table t')",
      'select public.dblink_connect($1)',
    ])
      expect(analyzer.analyze(text, extended)[0]!.functions.some((use) => !use.harmless)).toBe(true);
  });

  test('no overload of a harmless built-in function is volatile, but for those that draw, give back a lock, or look at a clock, a size or the session', async () => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT DISTINCT p.proname AS name FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'v' AND p.proname = ANY ($1) ORDER BY 1`,
      [[...HARMLESS_FUNCTIONS.pg_catalog]],
    );
    expect(rows.map(({ name }) => name)).toEqual(VOLATILE_AND_HARMLESS);
  });
});
