import type { AccessVerb, PostgresCatalog, SqlOperation } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer, isAllowedSystemRelation } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const analyzers = await Promise.all([15, 16, 17, 18].map(createSqlAnalyzer));

function analyzeAll(text: string, serverMajor = 18, catalog: PostgresCatalog = SHOP_CATALOG): readonly SqlOperation[] {
  return analyzers[serverMajor - 15]!.analyze(text, catalog);
}

function analyze(text: string, serverMajor = 18): SqlOperation {
  return analyzeAll(text, serverMajor)[0]!;
}

function accessed(operation: SqlOperation, verb: AccessVerb): readonly string[] {
  return operation.accesses.filter((access) => access.verb === verb).map((access) => access.relation.name);
}

/** Whether a policy has something to refuse it for: an unknown, a function that is not harmless, a system relation. */
function isFlagged(operation: SqlOperation): boolean {
  return (
    operation.unknowns.length > 0 ||
    operation.functions.some((use) => !use.harmless) ||
    operation.statementClass === 'other' ||
    operation.accesses.some(
      ({ system, relation }) => system && !isAllowedSystemRelation(relation.schema, relation.name),
    )
  );
}

describe('P1-P9 statements', () => {
  test('P1 several statements in one message are several operations, in order', () => {
    const operations = analyzeAll('select 1; select ssn from customers; delete from orders');
    expect(operations.map((one) => one.statementClass)).toEqual(['select', 'select', 'delete']);
    expect(operations.map((one) => one.text)).toEqual(['select 1', 'select ssn from customers', 'delete from orders']);
  });

  test('P2 an escape string does not hide a second statement', () => {
    const operations = analyzeAll("update orders set status=E'O\\'Brien'; delete from customers");
    expect(operations.map((one) => one.statementClass)).toEqual(['update', 'delete']);
  });

  test('P3 a delete inside a common table expression is an access, and the tag does not count it', () => {
    const operation = analyze('with d as (delete from customers returning *) select count(*) from d');
    expect(accessed(operation, 'delete')).toEqual(['customers']);
    const both = analyze(
      'with d as (delete from customers returning id) update orders set status = $1 where id in (select id from d)',
    );
    expect(both.statementClass).toBe('update');
    expect(both.countsItsWrite).toBe(false);
  });

  test('P4 dollar quotes do not hide the statement', () => {
    const operation = analyze('with x as (select $$a)b$$) delete from customers');
    expect(operation.statementClass).toBe('delete');
  });

  test('P5 every branch of merge and on conflict counts', () => {
    const merge = analyze(
      'merge into orders o using customers c on o.customer_id = c.id when matched and c.country = $1 then delete ' +
        'when matched then update set status = $2 when not matched then insert (id) values (c.id)',
      15,
    );
    expect(merge.accesses.map((access) => `${access.verb} ${access.relation.name}`).sort()).toEqual([
      'delete orders',
      'insert orders',
      'select customers',
      'select orders',
      'update orders',
    ]);
    expect(merge.countsItsWrite).toBe(true);
    const upsert = analyze('insert into orders (id) values (1) on conflict (id) do update set status = $1');
    expect(accessed(upsert, 'update')).toEqual(['orders']);
  });

  test('P6 copy out shows its columns and copy of a delete its delete', () => {
    const operation = analyze('copy (delete from customers returning *) to stdout');
    expect(operation).toMatchObject({ statementClass: 'copy-to', copy: { direction: 'out', format: 'text' } });
    expect(accessed(operation, 'delete')).toEqual(['customers']);
    expect(operation.output).toHaveLength(7);
    expect(analyze('copy customers to stdout binary').copy?.format).toBe('binary');
    expect(analyze("copy customers to stdout (delimiter 'x')").unknowns).toHaveLength(1);
    const incoming = analyze('copy orders (id, status) from stdin');
    expect(incoming).toMatchObject({ statementClass: 'copy-from', copy: { direction: 'in', format: 'text' } });
    expect(incoming.accesses).toMatchObject([{ verb: 'insert', columns: ['id', 'status'] }]);
  });

  test.each([
    ["select set_config('TimeZone', 'UTC', false)", true],
    ["select pg_catalog.set_config('jit', $1, true)", true],
    ["select set_config('role', 'postgres', false)", false],
    ["select set_config('statement_timeout', '0', false)", false],
    ["select set_config('search_path', 'pg_temp', false)", false],
    ["select set_config('row_security', 'off', false)", false],
    ["select set_config('TimeZone', $1, false)", false],
    ["select set_config('application_name', email, false) from customers", false],
    ["select set_config('application_name', (select email from customers limit 1), false)", false],
    ["select set_config(name, 'UTC', false) from customers", false],
    ["select public.set_config('TimeZone', 'UTC', false)", false],
  ])('P14, P18 a setting by a function: %s', (text, isHarmless) => {
    expect(analyze(text).functions.some(({ name }) => name === 'set_config')).toBe(!isHarmless);
  });

  test.each([
    "copy customers to program 'curl x'",
    "copy customers from '/etc/passwd'",
    "copy customers to '/tmp/x'",
    "copy (select 1) to program 'sh'",
  ])('P7 files and programs of the server: %s', (text) => {
    expect(analyze(text).unknowns[0]?.code).toBe(text.includes('program') ? 'outside' : 'unsupported');
  });

  test('W23 cluster sorts the rows by columns that it does not name: by any of them', () => {
    const operation = analyze('cluster verbose customers using customers_pkey');
    expect(operation.unknowns).toEqual([]);
    expect(accessed(operation, 'maintenance')).toEqual(['customers']);
    expect(operation.uses.map(({ column, context }) => `${context} ${column.column}`)).toContain('sort ssn');
    expect(analyze('cluster').unknowns[0]?.message).toMatch(/name the table/);
  });

  test.each([
    'explain analyze',
    'explain (analyze)',
    'explain (analyze true)',
    'explain (analyze on, costs off)',
    'explain (analyze 1)',
  ])('P8 %s of a delete is a delete', (explain) => {
    const operation = analyze(`${explain} delete from orders`);
    expect(operation.statementClass).toBe('delete');
    expect(operation.countsItsWrite).toBe(false);
    expect(accessed(operation, 'delete')).toEqual(['orders']);
  });

  test('P8 explain alone is explain, with what the statement reaches', () => {
    for (const text of ['explain delete from orders', 'explain (analyze false) delete from orders']) {
      expect(analyze(text).statementClass).toBe('explain');
      expect(accessed(analyze(text), 'delete')).toEqual(['orders']);
    }
  });

  test('P9 the body of do cannot be contained', () => {
    const operation = analyze("do $$ begin execute 'del'||'ete from orders'; end $$");
    expect(operation.statementClass).toBe('call');
    expect(operation.unknowns).toHaveLength(1);
    expect(analyze('call close_day()').functions).toMatchObject([{ name: 'close_day', harmless: false }]);
  });
});

describe('P10-P13 functions and their disguises', () => {
  test.each([
    'select wipe(1)',
    'select public.wipe(id) from customers',
    // public.lower(varchar) fits better, or could
    'select lower(name::varchar) from customers',
    "select lower('A')",
    'select lower($1)',
    'select lower(upper(name)) from customers',
    'select id from wiped', // in a view's definition
    'select 1 where wipe(1) = 1',
    'select count(*) from customers order by wipe(1)',
    'insert into orders(id) values (wipe(1))',
    'select 1 ||| 2',
    'select 1 operator(public.@@@) 2',
    'select 1::positive',
    'select id from customers order by id using |||',
    "select nextval('x')",
    "select set_config('role', 'x', false)",
    'select setseed(0.5)',
  ])('P10 %s', (text) => {
    expect(isFlagged(analyze(text))).toBe(true);
  });

  const runs = (text: string) =>
    analyze(text).functions.flatMap(({ way, candidates }) => candidates.map(({ name }) => `${way} ${name}`));

  test('P10 casts, operators, domains, defaults and checks count as functions that run', () => {
    expect(runs('select name::mood from customers')).toEqual(['cast to_mood']);
    expect(runs('select 1::mood')).toEqual(['cast to_mood']); // text is assigned, too
    expect(runs("insert into moods values (1, 'x'::text)")).toEqual(['cast to_mood']);
    expect(runs('select 1::positive')).toEqual(['type never']);
    expect(runs("select name ||| 'x' from customers")).toEqual(['operator never']);
    expect(runs('select id from customers where name operator(public.@@@) $1')).toContain('operator never');
    expect(runs('insert into coded (id) values (1)')).toEqual(['write wipe', 'write never']);
    expect(runs('update coded set id = 2')).toEqual(['write wipe', 'write never']);
    expect(runs('copy coded (id) from stdin')).toEqual(['write wipe', 'write never']);
    expect(runs('delete from coded where id = 1')).toEqual([]);
    expect(runs('update coded_view set id = 2')).toEqual(['write wipe', 'write never']);
    expect(runs("create index on orders ((status ||| 'x'))")).toEqual(['operator never']);
    expect(runs("alter table orders add column mood mood default 'x'::text::mood")).toContain('cast to_mood');
    expect(runs('insert into coded (id) values (1) on conflict (id) do nothing')).toContain('write wipe');
    expect(runs('with x as (update coded set id = 1 returning id) select id from x')).toContain('write wipe');
  });

  test('P10 a call is every function that the server could choose', () => {
    expect(runs('select lower(name) from customers')).toEqual(['call lower']);
    const [doubt] = analyze('select lower($1)').functions;
    expect(doubt!.candidates.map(({ schema, arguments: types }) => `${schema}(${types})`)).toEqual([
      'pg_catalog(text)',
      'pg_catalog(anyrange)',
      'public(character varying)',
    ]);
    expect(doubt).toMatchObject({ harmless: false });
    expect(analyze('select lower(name::varchar) from customers').functions[0]!.candidates).toMatchObject([
      { oid: 901, schema: 'public', guarded: true },
    ]);
    // Named arguments, which none of them has.
    expect(analyze('select lower(x => name) from customers').functions[0]!.harmless).toBe(false);
  });

  test('P10 the built-in one, qualified, stays harmless', () => {
    expect(analyze('select pg_catalog.lower(name) from customers').functions).toMatchObject([{ harmless: true }]);
    expect(analyze('select lower(name) from customers').functions).toMatchObject([{ harmless: true }]);
    expect(isFlagged(analyze('select 1 operator(pg_catalog.+) 2'))).toBe(false);
  });

  test.each([
    `select "pg_read_file"('/etc/passwd')`,
    `select pg_catalog.pg_read_file('/etc/passwd')`,
    `select PG_READ_FILE('/etc/passwd')`,
    'select p.wipe from customers p',
    'select wipe(p) from customers p',
    'select (customers).wipe from customers',
    'select (customers).row_to_json from customers',
    'select c.wipe from pg_class c',
    'select g.pg_read_file from unnest(array[$1]) g',
    'select (g).pg_read_file from unnest(array[$1]) g',
    "select * from rows from (generate_series(1, 2), pg_ls_dir('.'))",
    "select * from customers, lateral pg_ls_dir('.')",
    'select * from customers tablesample wipe(1)',
    'select * from customers tablesample public.system(1)',
    "values ((select pg_read_file('x')))",
    "select (select pg_ls_dir('.'))",
    "select * from xmltable('/x' passing '<x/>' columns a text)",
    'select xmlelement(name x, ssn) from customers',
    'select ((select c from customers c limit 1)).ssn',
    'select * from customers where current of c',
    'select u.* from unnest((select array_agg(o) from orders o)) u',
    'select x.* from payments p, orders o, lateral (values (o.*, p.card_number)) x',
    'select 1::sql_identifier',
    "select ts_rewrite('a'::tsquery, 'select 1')",
  ])('P11 %s', (text) => {
    expect(isFlagged(analyze(text))).toBe(true);
  });

  test.each([
    "select lo_import('/etc/passwd')",
    'select lo_create(0)',
    "select * from dblink('x', 'select 1') as t(a text)",
    "select pg_stat_file('x')",
    'select pg_switch_wal()',
    "select pg_create_physical_replication_slot('x')",
    "select * from pg_logical_slot_get_changes('x', null, null)",
    "load 'x.so'",
    'create extension dblink',
    'create function f() returns int language c as $$x$$',
    "create subscription s connection 'host=evil' publication p",
    'import foreign schema x from server y into z',
    "alter system set archive_command = 'x'",
    'create server s foreign data wrapper w',
    "create user mapping for x server s options (password 'y')",
    "security label on table customers is 'x'",
    'create role x superuser',
    'alter role x set search_path = y',
    'create database x',
    'drop owned by x',
  ])('P12 %s', (text) => {
    const operation = analyze(text);
    expect(isFlagged(operation) || operation.statementClass === 'create').toBe(true);
  });

  test.each([
    "select query_to_xml('select ssn from customers', true, true, '')",
    "select table_to_xml('customers', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')",
    "select database_to_xml(true, true, '')",
    "select * from ts_stat('select to_tsvector(ssn) from customers')",
    "select * from xpath_table('id', 'x', 'customers', '/', 'true') as t(a int)",
    "select * from crosstab('select 1') as t(a text)",
    "select * from connectby('customers', 'id', 'id', '1', 0) as t(a text)",
    'select pg_get_functiondef(1)',
    'select prosrc from pg_proc',
    'select * from pg_proc',
    'select p from pg_proc p',
  ])('P13 %s', (text) => {
    expect(isFlagged(analyze(text))).toBe(true);
  });
});

describe('P14-P18 session, names and copies', () => {
  test.each([
    'set role x',
    'reset role',
    'set session authorization x',
    'reset session authorization',
    'set local role x',
  ])('P14 %s is never an ordinary setting', (text) => {
    expect(analyze(text).statementClass).toBe('other');
    expect(analyze(text).effect).not.toMatchObject({ harmless: true });
  });

  test('P14 reset all and discard all say so', () => {
    expect(analyze('reset all').effect).toEqual({ kind: 'reset-all' });
    expect(analyze('discard all').effect).toEqual({ kind: 'discard-all' });
  });

  test.each([
    'set search_path = pg_temp, public',
    'set search_path to evil',
    "set search_path to 'public, evil'",
    'set search_path to public, pg_catalog',
    'set row_security = off',
    'set standard_conforming_strings = off',
    "set client_encoding = 'sjis'",
    "set names 'latin1'",
    'set session_replication_role = replica',
    'set client_min_messages = debug5',
    'set xml option document',
    'reset search_path',
    'set search_path to default',
  ])('P15 %s is not harmless', (text) => {
    expect(analyze(text).effect).toMatchObject({ harmless: false });
  });

  test('P15 the pinned search path itself is harmless', () => {
    expect(analyze('set search_path to public').effect).toMatchObject({ harmless: true });
  });

  test.each([
    'create temp table customers (id int)',
    'create temp view customers as select 1',
    'create table pg_temp.customers (id int)',
    'select 1 as id into temp customers',
    'select * from pg_temp.customers',
  ])('P15 temporary relations are refused: %s', (text) => {
    expect(analyze(text).unknowns).not.toEqual([]);
  });

  test('P16 prepare holds the whole operation inside, and its accesses', () => {
    const operation = analyze('prepare q(int) as select ssn from customers where id = $1');
    expect(operation.effect).toMatchObject({
      kind: 'prepare',
      name: 'q',
      statement: { statementClass: 'select', parameterCount: 1 },
    });
    expect(accessed(operation, 'select')).toEqual(['customers']);
    expect(analyze("execute q(1, 'x'::text, null)")).toMatchObject({
      effect: { kind: 'execute', name: 'q' },
      output: null,
      unknowns: [],
    });
    expect(analyze('execute q((select 1))').unknowns).toHaveLength(1);
    expect(analyze('create table x as execute q').unknowns).toHaveLength(1);
    expect(analyze('deallocate all').effect).toEqual({ kind: 'deallocate', name: null });
  });

  test('P17 a cursor is decided where it is declared', () => {
    const operation = analyze('declare c cursor with hold for select ssn from customers');
    expect(operation.effect).toMatchObject({ kind: 'declare', name: 'c' });
    const inner = operation.effect?.kind === 'declare' ? operation.effect.statement : null;
    expect(inner?.output).toMatchObject([{ name: 'ssn' }]);
    expect(analyze('fetch all from c').effect).toEqual({ kind: 'fetch', name: 'c', rows: true });
    expect(analyze('move 5 in c').effect).toEqual({ kind: 'fetch', name: 'c', rows: false });
    expect(analyze('close all').effect).toEqual({ kind: 'close', name: null });
    expect(analyze('update orders set status = $1 where current of c').unknowns).toHaveLength(1);
  });

  test.each([
    "select setval('s', ssn::int) from customers",
    "select set_config('application_name', ssn, false) from customers",
    'select pg_advisory_lock(ssn::int) from customers',
    "select pg_notify('x', ssn) from customers",
    'select lo_from_bytea(0, ssn::bytea) from customers',
  ])('P18 laundering through a function: %s', (text) => {
    expect(isFlagged(analyze(text))).toBe(true);
    expect(analyze(text).uses.length).toBeGreaterThan(0);
  });

  test('P18 notify is of its own class', () => {
    expect(analyze("notify x, 'y'").statementClass).toBe('notify');
    expect(analyze('listen x').statementClass).toBe('notify');
  });
});

describe('what a write leads to', () => {
  test('P19 a rule of the relation is followed: what it reads, writes and calls is the statement’s', () => {
    const operation = analyze("insert into logged values (1, 'x')");
    expect(operation.unknowns).toEqual([]);
    expect(operation.accesses.map(({ verb, relation, columns }) => [verb, relation.name, columns])).toEqual([
      ['select', 'customers', ['ssn']],
      ['insert', 'order_items', ['id', 'sku']],
      ['insert', 'logged', ['id', 'note']],
    ]);
    expect(operation.uses).toContainEqual(
      expect.objectContaining({ column: { schema: 'public', relation: 'customers', column: 'ssn' }, context: 'write' }),
    );
    expect(operation.functions).toMatchObject([{ name: 'wipe', harmless: false }]);
    expect(operation.countsItsWrite).toBe(false);
    expect(analyze("update logged set note = 'x'").accesses).toHaveLength(1);
    expect(analyze("insert into logged_view values (1, 'x')").functions).toMatchObject([{ name: 'wipe' }]);
    expect(analyze("insert into logged_view values (1, 'x') returning id").unknowns).toHaveLength(1);
    expect(analyze('insert into ruled values (1)').unknowns).toEqual([]);
  });

  test('P10 triggers and foreign keys that a write sets off are told, through views and cascades', () => {
    const fired = (text: string) =>
      (analyze(text).fires ?? []).map((one) => `${one.on} ${one.name} ${one.runs ?? one.writes}`);
    expect(fired('update orders set status = $1')).toEqual(['update touched public.touch']);
    expect(fired('with x as (insert into orders (id) values (1) returning id) select id from x')).toEqual([
      'insert touched public.touch',
    ]);
    expect(fired('delete from orders')).toEqual(['delete items_order delete']);
    expect(fired('select id from orders')).toEqual([]);
  });
});

test.each([
  `select x from pg_proc as p(${Array.from({ length: 29 }, (_, index) => `a${index}`)}, x)`,
  'select x.* from (pg_proc p join pg_class c on true) as x',
  'select x from (pg_proc p join pg_class c on true) as x',
  'select prosrc from pg_proc p join pg_proc q using (prosrc)',
  'select x.prosrc from (pg_proc p join pg_class c on true) as x',
  'select to_json(p) from pg_proc p',
  'table pg_proc',
])('P21 bodies of functions stay closed: %s', (text) => {
  expect(analyze(text).unknowns).not.toEqual([]);
});

describe('P19 a generated column', () => {
  test('holds what it is made from', () => {
    const operation = analyze('select badge from badges');
    expect(operation.output).toEqual([
      { name: 'badge', sources: [column('badges', 'badge'), column('badges', 'ssn')], plain: false },
    ]);
    expect(operation.uses).toMatchObject([{ column: column('badges', 'ssn'), context: 'expression' }]);
  });
});

const column = (relation: string, name: string) => ({ schema: 'public', relation, column: name });

describe('P18 P19 definitions', () => {
  test.each([
    ['drop table orders, public.payments', 'drop', ['drop orders', 'drop payments']],
    ['drop view contacts', 'drop', ['drop contacts']],
    ['drop trigger t on orders', 'drop', ['alter orders']],
    ['truncate orders, payments', 'truncate', ['truncate orders', 'truncate payments']],
    ['alter table orders add column note text', 'alter', ['alter orders']],
    ['alter table orders rename to x', 'alter', ['alter orders']],
    ['create table fresh (id int references orders (id))', 'create', ['create fresh', 'alter orders']],
    ['create index on orders (status)', 'create', ['alter orders']],
    ['create view v as select status from orders', 'create', ['create v', 'select orders']],
    ["comment on column orders.status is 'x'", 'comment', ['comment orders']],
    ['grant select on orders to x', 'grant', ['grant orders']],
    ['vacuum orders', 'maintenance', ['maintenance orders']],
    ['analyze orders (id)', 'maintenance', ['maintenance orders']],
    ['refresh materialized view labels_kept', 'maintenance', ['maintenance labels_kept']],
    ['lock table orders in exclusive mode', 'lock', ['lock orders']],
    ['create function f() returns int language sql as $$select 1$$', 'create', []],
  ] as const)('%s', (text, statementClass, accesses) => {
    const operation = analyze(text);
    expect(operation.unknowns).toEqual([]);
    expect(operation.statementClass).toBe(statementClass);
    expect(operation.accesses.map((access) => `${access.verb} ${access.relation.name}`)).toEqual(accesses);
  });

  test.each([
    "comment on role app is 'taskgate 0123456789abcdef res_1 task x revision 1'",
    "security label for selinux on role app is 'x'",
    'alter role app rename to app2',
    'alter user app rename to app2',
  ])('P14 what is done to roles is opened by no narrower rule: %s', (text) => {
    expect(analyze(text)).toMatchObject({ statementClass: 'other', unknowns: [] });
  });

  test.each([
    'drop table nowhere',
    'drop table orders cascade',
    'truncate orders cascade',
    'create schema s create table t (id int)',
    'create domain pg_temp.text as int',
    'create type pg_temp.text as (a int)',
    'alter table orders set schema pg_temp_3',
    'delete from pg_class',
    'select relname from pg_class for update',
    'grant select on pg_proc to x',
    'insert into ruled values (1) returning id',
    'merge into ruled r using orders o on r.id = o.id when matched then delete',
  ])('%s is refused', (text) => {
    expect(analyze(text).unknowns).not.toEqual([]);
  });

  test.each([
    'alter table customers rename column ssn to note',
    'alter table customers rename to others',
    'alter table customers set schema private',
    'alter table customers add column note text generated always as (ssn) stored',
    'alter view labels rename to others',
  ])('a mask cannot be shaken off by renaming: %s', (text) => {
    expect(analyze(text).uses.some((use) => use.column.column === 'ssn' && use.context === 'write')).toBe(true);
  });

  test('a function called in a definition is seen', () => {
    for (const text of [
      "create table t (a text default pg_read_file('x'))",
      'create index on orders (wipe(id))',
      "alter table orders add column x text default pg_read_file('x')",
    ]) {
      expect(analyze(text).functions.some((use) => !use.harmless)).toBe(true);
    }
  });
});

describe('P19-P23', () => {
  test('P19 views in a circle are refused, and a view of a function shows the function', () => {
    expect(analyze('select id from circle_a').unknowns).not.toEqual([]);
    expect(analyze('select id from wiped').functions).toMatchObject([
      { schema: 'public', name: 'wipe', harmless: false },
    ]);
  });

  test.each([
    ['pg_user_mappings', 'umoptions'],
    ['pg_subscription', 'subconninfo'],
    ['pg_stat_gssapi', 'principal'],
    ['pg_proc', 'prosrc'],
  ])('P20 P21 the secrets of %s are not read in any form, its other columns are', (name, column) => {
    for (const text of [
      `select * from ${name}`,
      `table pg_catalog."${name}"`,
      `select ${column} from ${name}`,
      `select x.${column} from ${name} x where x.${column} like 'a%'`,
      `select x from ${name} x`,
      `select (x).${column} from ${name} x`,
      `select row_to_json(x) from ${name} x`,
      `select x::text from ${name} x`,
      `select count(*) from ${name} group by ${column}`,
      `select exists (select ${column} from ${name} limit 1)`,
      `select 1 from ${name} x natural join ${name} y`,
      `select h from ${name} x(a, b, c, d, e, f, g, h)`,
    ])
      expect([text, isFlagged(analyze(text))]).toEqual([text, true]);
    expect(isFlagged(analyze(`select count(*) from ${name}`))).toBe(false);
    expect(isFlagged(analyze(`select exists (select * from ${name})`))).toBe(false);
  });

  test.each([
    'pg_stats',
    'pg_statistic',
    'pg_stats_ext',
    'pg_statistic_ext_data',
    'pg_authid',
    'pg_shadow',
    'pg_user_mapping',
    'pg_stat_activity',
    'pg_stat_statements',
    'pg_prepared_xacts',
    'pg_cursors',
    'pg_prepared_statements',
    'pg_largeobject',
    'pg_hba_file_rules',
    'pg_file_settings',
    'pg_stat_replication',
    'pg_replication_slots',
    'pg_locks',
    'pg_shmem_allocations',
    'pg_backend_memory_contexts',
  ])('P20 P21 %s is not on the list, with or without its schema', (name) => {
    for (const text of [`select * from ${name}`, `select a from pg_catalog."${name}"`, `table ${name}`]) {
      expect(isFlagged(analyze(text))).toBe(true);
    }
  });

  test.each([
    'select pg_sleep(1)',
    "select pg_sleep_for('1h')",
    'select pg_advisory_lock(1)',
    'select pg_terminate_backend(1)',
    'select pg_cancel_backend(1)',
  ])('P22 %s', (text) => {
    expect(isFlagged(analyze(text))).toBe(true);
  });

  test.each([
    ['begin isolation level serializable', 'begin'],
    ['start transaction read only', 'begin'],
    ['commit', 'commit'],
    ['end', 'commit'],
    ['rollback', 'rollback'],
    ['abort', 'rollback'],
    ['savepoint a', 'savepoint'],
    ['release a', 'release'],
    ['rollback to a', 'rollback-to'],
    ['set transaction read only', 'set-transaction'],
  ])('P23 %s', (text, kind) => {
    expect(analyze(text)).toMatchObject({ statementClass: 'transaction', effect: { kind }, unknowns: [] });
  });

  test.each(["set transaction snapshot 'x'", "prepare transaction 'x'", "commit prepared 'x'", 'commit and chain'])(
    'P23 %s is refused',
    (text) => {
      expect(analyze(text).unknowns).toHaveLength(1);
    },
  );

  test('P23 lock table and for update are locks', () => {
    expect(accessed(analyze('lock table orders'), 'lock')).toEqual(['orders']);
    expect(accessed(analyze('select id from orders for update'), 'lock')).toEqual(['orders']);
    expect(accessed(analyze('select o.id from orders o, customers c for share of o'), 'lock')).toEqual(['orders']);
  });
});

describe('W rows that concern the text', () => {
  test('W3 W4 names of prepared statements and cursors are folded as the server does', () => {
    expect(analyze('prepare ZZ as select 1').effect).toMatchObject({ name: 'zz' });
    expect(analyze('declare "CC" cursor for select 1').effect).toMatchObject({ name: 'CC' });
  });

  test('W9 replication commands are no SQL', () => {
    expect(analyze('IDENTIFY_SYSTEM').unknowns[0]?.code).toBe('syntax');
  });

  test('W10 strings are read as with standard_conforming_strings on', () => {
    expect(analyzeAll("select 'a\\'; select ssn from customers --'")).toHaveLength(2);
  });

  test('W11 quoted and mixed case names are resolved, not compared as text', () => {
    const text = 'select "ss n", "Mixed Case" from "Odd Name"';
    expect(analyze(text).accesses[0]?.columns).toEqual(['ss n', 'Mixed Case']);
    expect(analyze('select Mixed Case from "Odd Name"').unknowns).not.toEqual([]);
    expect(analyze('select "SSN" from customers').unknowns[0]?.code).toBe('unresolved');
  });

  test('W12 a NUL never reaches the parser', () => {
    expect(analyze('select 1\0; drop table customers').unknowns[0]?.code).toBe('bad-bytes');
    expect(analyzeAll('select 1\0; drop table customers')).toHaveLength(1);
  });

  test('W13 a no-break space is part of a name', () => {
    expect(analyze('select\u00a0ssn from customers').unknowns[0]?.code).toBe('syntax');
    expect(analyze('select ssn\u00a0 from customers').unknowns[0]?.code).toBe('unresolved');
    expect(analyze('select 1 as x\u00a0').text).toBe('select 1 as x\u00a0');
  });

  test('W14 a lone surrogate is not valid text', () => {
    expect(analyze("select '\ud800'").unknowns[0]?.code).toBe('bad-bytes');
  });
});
