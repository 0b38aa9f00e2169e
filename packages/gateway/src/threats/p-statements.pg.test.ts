import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import type { RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let reader: RawClient;
let before: string;
beforeAll(async () => {
  door = await openThreatDoor();
  reader = await door.raw(door.grant('sales-report'));
  before = await door.fingerprint();
});
afterAll(async () => {
  await door.close();
});

/** One that must not run, whichever way it is sent; `via` both unless the extended protocol has no form for it. */
const REFUSED: readonly (readonly [id: string, what: string, text: string])[] = [
  ['P1', 'statements behind an allowed one', 'select 1; select ssn from public.customers; delete from public.orders'],
  ['P1', 'a write behind an allowed read', 'select id from public.orders; delete from public.order_items'],
  ['P2', 'a statement behind an escape string', String.raw`select E'O\'Brien'; delete from public.order_items; --'`],
  ['P3', 'a delete inside a CTE', 'with d as (delete from public.orders returning *) select count(*) from d'],
  [
    'P3',
    'an update inside a CTE in a subselect',
    "select * from (with u as (update public.orders set status = 'x' returning id) select id from u) s",
  ],
  ['P4', 'a delete behind a dollar-quoted CTE', 'with x as (select $$a)b$$) delete from public.orders'],
  ['P4', 'a delete behind a tagged dollar quote', 'select $a$ $$; $a$; delete from public.orders; select $$ $$'],
  [
    'P5',
    'a merge that deletes',
    'merge into public.orders o using (select 1 as id) s on o.id = s.id when matched then delete',
  ],
  [
    'P5',
    'an insert that updates on conflict',
    "insert into public.orders (id, status) values (1, 'x') on conflict (id) do update set status = 'x'",
  ],
  ['P6', 'a copy of a delete', 'copy (delete from public.orders returning *) to stdout'],
  ['P6', 'a copy of a whole table', 'copy public.customers to stdout'],
  ['P6', 'a binary copy of a masked column', 'copy (select email from public.customers) to stdout (format binary)'],
  [
    'P6',
    'a copy with a delimiter of its own',
    "copy (select id, email from public.customers) to stdout (delimiter '|')",
  ],
  ['P6', 'a copy with a null string', "copy (select id, email from public.customers) to stdout (null 'k')"],
  [
    'P6',
    'a csv with a quote of its own',
    "copy (select name, email from public.customers) to stdout (format csv, quote '''')",
  ],
  ['P6', 'a copy in another encoding', "copy (select email from public.customers) to stdout (encoding 'UTF16')"],
  ['P6', 'a copy in the old syntax', "copy public.customers (id, email) to stdout with delimiter '|'"],
  ['P7', 'a copy to a program', "copy (select 1) to program 'true'"],
  ['P7', 'a copy from a file', "copy public.orders from '/etc/passwd'"],
  ['P7', 'a copy to a file', "copy (select 1) to '/tmp/taskgate-never'"],
  ['P8', 'explain analyze of a delete', 'explain (analyze) delete from public.orders'],
  ['P8', 'explain analyze in the old syntax', 'explain analyze verbose delete from public.orders'],
  ['P8', 'explain of a masked predicate', "explain select id from public.customers where email like 'k%'"],
  ['P9', 'a DO block', "do $$ begin execute 'del' || 'ete from public.orders'; end $$"],
  ['P9', 'a call', 'call public.wipe()'],
  ['P10', 'a function that deletes', 'select public.wipe()'],
  ['P10', 'a function that reads', 'select public.peek()'],
  ['P10', 'a function by its bare name', 'select peek()'],
  ['P10', 'a set-returning function', 'select * from public.peeks()'],
  ['P11', 'a quoted function', `select "pg_read_file"('PG_VERSION')`],
  ['P11', 'a qualified function', "select pg_catalog.pg_read_file('PG_VERSION')"],
  ['P11', 'a function in attribute notation', 'select c.row_peek from public.customers c'],
  ['P11', 'a function in attribute notation on parentheses', 'select (c).row_peek from public.customers c'],
  ['P11', 'a whole row by a function of the server', 'select (c).row_to_json from public.customers c'],
  ['P11', 'functions in rows from', "select * from rows from (generate_series(1, 2), pg_ls_dir('.'))"],
  ['P11', 'a lateral function', 'select * from public.orders, lateral public.peeks()'],
  ['P11', 'a table sample by a function', 'select * from public.orders tablesample public.peeks(1)'],
  ['P11', 'a subselect in values', 'values ((select ssn from public.customers limit 1))'],
  ['P11', 'the table command', 'table public.customers'],
  ['P11', 'select into', 'select id into public.newt from public.orders'],
  ['P12', 'a directory', "select pg_ls_dir('.')"],
  ['P12', 'a large object from a file', "select lo_import('/etc/passwd')"],
  ['P12', 'another server', "select * from dblink('dbname=x', 'select 1') as t(a text)"],
  ['P12', 'loading a library', "load 'x.so'"],
  ['P12', 'an extension', 'create extension dblink'],
  ['P12', 'alter system', "alter system set log_statement = 'none'"],
  ['P12', 'a function in C', "create function f() returns int as 'x' language c"],
  ['P13', 'SQL in a string', "select query_to_xml('select ssn from public.customers', true, false, '')"],
  ['P13', 'a table as xml', "select table_to_xml('public.customers', true, false, '')"],
  ['P13', 'a cursor as xml', "select cursor_to_xml('c', 10, true, false, '')"],
  ['P13', 'statistics of a text search', "select * from ts_stat('select ssn::tsvector from public.customers')"],
  ['P14', 'set role', 'set role postgres'],
  ['P14', 'reset role', 'reset role'],
  ['P14', 'session authorization', 'set session authorization postgres'],
  ['P14', 'the role by a function', "select set_config('role', 'postgres', false)"],
  ['P14', 'a setting of a role', "alter role postgres set search_path = 'pg_temp'"],
  ['P15', 'a search path', 'set search_path = pg_temp, public'],
  ['P15', 'a search path of one quoted name', `set search_path = 'public, pg_temp'`],
  ['P15', 'a local search path', 'set local search_path to pg_temp'],
  ['P15', 'a search path back to its default', 'set search_path to default'],
  ['P15', 'a temporary table', 'create temp table orders (id int)'],
  ['P15', 'a name in pg_temp', 'select * from pg_temp.orders'],
  ['P16', 'a prepare of what is not allowed', 'prepare q as select ssn from public.customers'],
  ['P16', 'a table from execute', 'create table public.t2 as execute q'],
  ['P16', 'a function in the arguments of execute', 'execute q(public.peek())'],
  ['P17', 'a cursor over what is not allowed', 'declare c cursor with hold for select ssn from public.customers'],
  ['P17', 'an update of the row of a cursor', "update public.orders set status = 'x' where current of c"],
  ['P18', 'a table of masked values', 'create table public.t3 as select email from public.customers'],
  ['P18', 'a materialized view', 'create materialized view public.m as select email from public.customers'],
  ['P18', 'a view', 'create view public.v2 as select email from public.customers'],
  ['P18', 'masked values into a setting', "select set_config('application_name', email, false) from public.customers"],
  ['P18', 'masked values into a notification', "select pg_notify('c', email) from public.customers"],
  ['P18', 'masked values into a sequence', "select setval('s', length(email)) from public.customers"],
  ['P18', 'masked values into a lock', 'select pg_advisory_lock(length(email)) from public.customers'],
  ['P18', 'masked values into a comment', "comment on table public.orders is 'x'"],
  ['P18', 'a large object', 'select lo_create(0)'],
  ['P19', 'a view over everything', 'select ssn from public.whole_customers'],
  ['P19', 'a view over everything, whole', 'select * from public.whole_customers'],
  ['P19', 'the phone through a view', 'select phone from public.whole_customers'],
  ['P20', 'statistics', "select most_common_vals from pg_stats where tablename = 'customers'"],
  ['P20', 'raw statistics', 'select stavalues1 from pg_statistic'],
  ['P20', 'extended statistics', 'select * from pg_stats_ext'],
  ['P20', 'statistics of expressions', 'select * from pg_catalog.pg_statistic_ext_data'],
  ['P21', 'texts of other sessions', 'select query from pg_stat_activity'],
  ['P21', 'prepared transactions', 'select * from pg_prepared_xacts'],
  ['P21', 'cursors', 'select * from pg_cursors'],
  ['P21', 'bodies of functions', 'select prosrc from pg_proc'],
  ['P21', 'all columns of functions', 'select * from pg_proc'],
  ['P21', 'a whole row of functions', 'select p from pg_proc p'],
  ['P21', 'a body by its own function', "select pg_get_functiondef('public.peek'::regproc)"],
  ['P21', 'bodies of functions in the standard’s view', 'select routine_definition from information_schema.routines'],
  ['P21', 'passwords', 'select rolpassword from pg_authid'],
  ['P21', 'passwords, the old way', 'select passwd from pg_shadow'],
  ['P21', 'the rules of who may sign in', 'select * from pg_hba_file_rules'],
  ['P22', 'a sleep', 'select pg_sleep(10)'],
  ['P22', 'a lock of its own', 'select pg_advisory_lock(1)'],
  ['P22', 'listen', 'listen c'],
  ['P22', 'a statement timeout by a function', "select set_config('statement_timeout', '0', false)"],
  ['P22', 'ending another backend', 'select pg_terminate_backend(1)'],
  ['P23', 'a lock on a table', 'lock table public.orders in access exclusive mode'],
  ['P23', 'a snapshot', "set transaction snapshot '00000003-0000001B-1'"],
  ['P23', 'a transaction in two phases', "prepare transaction 'x'"],
  ['W10', 'other string syntax', 'set standard_conforming_strings = off'],
  ['W10', 'backslash quoting', 'set backslash_quote = on'],
  ['W11', 'an identifier in unicode escapes', String.raw`select U&"\0073sn" from public.customers`],
  ['W11', 'with an escape of its own', `select U&"!0073sn" uescape '!' from public.customers`],
  ['W11', 'a quoted identifier', 'select "ssn" from "public"."customers"'],
  ['W11', 'a database-qualified one', 'select customers.ssn from public.customers'],
  ['W13', 'a no-break space for a space', 'select\u00a0ssn from public.customers'],
  ['W14', 'another encoding', "set client_encoding = 'SJIS'"],
  ['W14', 'another encoding by names', "set names 'GBK'"],
  ['W21', 'a notification', "notify c, 'x'"],
  ['W22', 'a cast that fails with the value', 'select email::int from public.customers'],
  ['W22', 'a cast to a name that is not', 'select email::regclass from public.customers'],
  ['W22', 'a cast to json', 'select email::json from public.customers'],
  ['W22', 'a column that is not allowed', 'select ssn::date from public.customers'],
  ['W22', 'in a predicate', 'select id from public.customers where email::xml is document'],
  ['W23', 'a predicate', "select count(*) from public.customers where email like 'k%'"],
  ['W23', 'a predicate over what is not allowed', "select id from public.customers where ssn like '1%'"],
  ['W23', 'an order', 'select id from public.customers order by email'],
  ['W23', 'an order by place', 'select id, email from public.customers order by 2'],
  ['W23', 'a group', 'select count(*) from public.customers group by email'],
  ['W23', 'a division by zero', "select 1 / (case when email like 'k%' then 0 else 1 end) from public.customers"],
  ['W23', 'distinct', 'select distinct email from public.customers'],
  ['W23', 'a join', 'select a.id from public.customers a join public.customers b on a.email = b.email'],
  ['W23', 'a natural join', 'select a.id from public.customers a natural join public.customers b'],
  ['W23', 'a join using', 'select a.id from public.customers a join public.customers b using (email)'],
  ['W23', 'a union', 'select email from public.customers union select name from public.customers'],
  ['W23', 'a limit', 'select id from public.customers limit (select length(email) from public.customers limit 1)'],
  ['W23', 'a window', 'select row_number() over (order by email) from public.customers'],
];

describe('what must not run is refused by the simple and the extended protocol, and the session goes on', () => {
  it.each(REFUSED)('%s %s', async (_id, _what, text) => {
    for (const answer of [await reader.query(text), await reader.extended(text)]) {
      expect(answer.errors, text).toHaveLength(1);
      expect(answer.rows, text).toEqual([]);
      expect(answer.copied, text).toBe('');
      expect(answer.status, text).toBe('I');
    }
  });

  it('nothing changed, nothing leaked, and each attempt is in the recording as refused', async () => {
    expect(await door.fingerprint()).toBe(before);
    door.expectNoLeak();
    expect((await reader.query('select 1')).rows).toEqual([['1']]);
    const recorded = await door.recorded();
    const ran = REFUSED.filter(([, , text]) =>
      recorded.some(({ statement, outcome }) => outcome !== 'refused' && statement === text.trim()),
    ).map(([, , text]) => text);
    expect(ran).toEqual([]);
    const missing = REFUSED.filter(
      ([, , text]) => !recorded.some(({ statement }) => statement !== '' && text.includes(statement)),
    ).map(([, , text]) => text);
    expect(missing).toEqual([]);
  });
});

describe('ordinary statements that look alike are not refused', () => {
  it.each([
    'select id, status, total_cents from public.orders where id < 5 order by total_cents desc limit 3',
    'select o.id, c.name, c.email from public.orders o join public.customers c on c.id = o.customer_id limit 2',
    'select country, count(*) from public.customers group by country having count(*) > 0',
    'with recent as (select id, customer_id from public.orders) select count(*) from recent',
    'explain select id from public.orders',
    'explain analyze select id from public.orders',
    "select to_char(created_at, 'YYYY-MM') as month, sum(total_cents) from public.orders group by 1 order by 1",
    'select * from public.orders limit 1',
    'copy (select id, name, email from public.customers) to stdout (format csv, header)',
    'begin; select 1; commit',
    "set timezone = 'UTC'; show timezone",
    'select current_user, version(), now()',
    "select 'drop table x; --' as harmless",
    'select relname from pg_class limit 1',
    "select table_name from information_schema.tables where table_schema = 'public'",
    'select routine_name, data_type from information_schema.routines limit 1',
    "select coalesce(status, 'none'), round(avg(total_cents) / 100.0, 2) from public.orders group by 1",
    'select id, lag(total_cents) over (order by id) from public.orders limit 1',
    'select email from public.customer_mail limit 1',
    'select count(*) from public.customers',
    'select * from generate_series(1, 3)',
    "select id from public.orders where created_at > now() - interval '1 day' and status in ('open', 'paid') limit 1",
    'declare c cursor with hold for select id, email from public.customers; fetch 2 from c; close c',
  ])('%s', async (text) => {
    expect((await reader.query(text)).errors).toEqual([]);
    door.expectNoLeak();
  });
});
