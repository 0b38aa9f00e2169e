import { buildCatalog, buildRelation, type RelationAccess } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer, isHarmlessSetting, summarizeOperation } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const analyzer = await createSqlAnalyzer(18);
const analyze = (text: string) => analyzer.analyze(text, SHOP_CATALOG);

describe('places', () => {
  test('statements and positions are cut at characters, not bytes', () => {
    const operations = analyze("select 'é😀' ;\n -- ü\n select 1,\n 'ñ', nope from customers ;  ");
    expect(operations.map((one) => one.text)).toEqual(["select 'é😀'", "select 1,\n 'ñ', nope from customers"]);
    expect(operations[1]?.unknowns[0]?.position).toEqual({ line: 2, column: 7 });
  });

  test('a syntax error names its place', () => {
    expect(analyze("select 'é',\n from from x")[0]?.unknowns).toEqual([
      { code: 'syntax', message: 'syntax error at or near `from`', position: { line: 2, column: 2 } },
    ]);
  });

  test('an empty text is one empty operation', () => {
    for (const text of ['', '  \n', ';', '-- nothing', '/* nothing */ ;;']) {
      expect(analyze(text).map((one) => [one.statementClass, one.unknowns])).toEqual([['empty', []]]);
    }
  });
});

describe('what a write counts', () => {
  test.each([
    ['update orders set status = $1 where id = $2', true],
    ['delete from orders', true],
    ['insert into orders (id) values (1), (2)', true],
    ["insert into orders (id) values (1) on conflict (id) do update set status = 'x'", true],
    ['with a as (select 1) delete from orders', true],
    ['with a as (insert into orders (id) values (1)) delete from orders', false],
    ["update contacts set mail = 'x'", false],
    ['update events set body = $1', true],
    ['select id from orders', false],
    ['explain analyze delete from orders', false],
    ['copy orders from stdin', false],
  ])('%s: %s', (text, expected) => {
    expect(analyze(text)[0]?.countsItsWrite).toBe(expected);
  });

  test('a write through a view reaches the tables behind it', () => {
    const [access] = analyze("update contacts set mail = 'x'")[0]!.accesses;
    expect(access).toMatchObject({ verb: 'update', relation: { name: 'contacts' }, columns: ['mail'] });
    expect(access?.expands.map((one) => `${one.verb} ${one.relation.name}`)).toEqual([
      'select customers',
      'update customers',
    ]);
  });

  test('a write through a view over a view reaches the tables behind both', () => {
    const catalog = buildCatalog({
      relations: [
        buildRelation({ oid: 1, name: 'orders', columns: { id: 'text' } }),
        buildRelation({
          oid: 2,
          name: 'open_orders',
          columns: { id: 'text' },
          definition: 'select id from public.orders',
        }),
        buildRelation({
          oid: 3,
          name: 'mine',
          columns: { id: 'text' },
          definition: 'select id from public.open_orders',
        }),
      ],
    });
    const written = (access: RelationAccess): readonly string[] => [
      `${access.verb} ${access.relation.name}`,
      ...access.expands.flatMap(written),
    ];
    for (const [text, verb] of [
      ["update mine set id = '1'", 'update'],
      ["insert into mine values ('1')", 'insert'],
      ['delete from mine', 'delete'],
      ['lock table mine', 'lock'],
    ] as const)
      expect(new Set(analyzer.analyze(text, catalog)[0]!.accesses.flatMap(written))).toEqual(
        new Set([`${verb} mine`, `${verb} open_orders`, `${verb} orders`, 'select open_orders', 'select orders']),
      );
  });

  test('parameters are counted wherever they stand', () => {
    expect(analyze('select $2 from orders where id = any ($7) limit $3')[0]?.parameterCount).toBe(7);
  });
});

describe('names are resolved as the server does', () => {
  test.each([
    ['select id from nowhere', "relation `nowhere` does not exist or the gate's catalog is out of date"],
    ['select nope from orders', "column `nope` does not exist or the gate's catalog is out of date"],
    ['select o.nope from public.orders o', "column `nope` of `o` does not exist or the gate's catalog is out of date"],
    [
      'select orders.nope from orders',
      "column `nope` of `public.orders` does not exist or the gate's catalog is out of date",
    ],
    ['select id from orders, customers', 'column `id` is ambiguous; write its relation before it'],
    ['select orders.id from orders o', '`orders` is not in from; name the relation or its alias'],
    ['select text from notes', "relation `notes` does not exist or the gate's catalog is out of date"],
    ['select s.x from orders, (select orders.id as x) s', '`orders` is not in from; name the relation or its alias'],
    ['select a from pg_temp.t', "relation `pg_temp.t` does not exist or the gate's catalog is out of date"],
    [
      'update orders set nope = 1',
      "column `nope` of `public.orders` does not exist or the gate's catalog is out of date",
    ],
    [
      'insert into orders (nope) values (1)',
      "column `nope` of `public.orders` does not exist or the gate's catalog is out of date",
    ],
    ['select 1::nowhere', "type `nowhere` does not exist or the gate's catalog is out of date"],
  ])('%s', (text, message) => {
    const unknowns = analyze(text)[0]!.unknowns;
    expect(unknowns[0]).toMatchObject({ code: 'unresolved', message });
  });

  test('other schemas by name, system columns, correlated and lateral names, join aliases', () => {
    for (const text of [
      'select text from private.notes',
      'select ctid, tableoid::regclass, xmin from orders',
      'select (select o.status) from orders o',
      'select id from orders o where exists (select 1 from customers c where c.id = o.customer_id)',
      'select s.x from orders o, lateral (select o.id as x) s',
      'select j.status from (orders o join customers c on true) as j(a, b, status)',
      'select o.id from orders o join customers c using (id) as u where u.id = 1',
      'select id from orders o join customers c using (id, created_at)',
      'select relname, nspname from pg_class c join pg_namespace n on n.oid = relnamespace',
      'select sum(total_cents) over w, row_number() over (partition by status) from orders window w as (order by id)',
      'select status as s, count(*) from orders group by s having count(*) > 1 order by s, 2',
      'select extract(year from created_at), position($1 in status), trim(both from status), overlay(status placing $1 from 1), current_user, now() at time zone $2 from orders',
      "select created_at::date, total_cents / 100.0, date '2026-01-01' + interval '1 day' from orders",
      'select json_object($1 : status), json_array(status), json_arrayagg(status) from orders group by status',
    ]) {
      expect([text, analyze(text)[0]?.unknowns]).toEqual([text, []]);
    }
  });
});

test('harmless settings are few, and their values checked', () => {
  for (const [name, value] of [
    ['application_name', 'psql'],
    ['DateStyle', 'ISO, MDY'],
    ['TimeZone', 'Europe/Amsterdam'],
    ['extra_float_digits', '3'],
    ['client_encoding', 'UTF8'],
    ['statement_timeout', '0'],
    ['statement_timeout', '5s'],
    ['client_min_messages', 'warning'],
    ['standard_conforming_strings', 'on'],
    ['bytea_output', null],
  ] as const) {
    expect([name, value, isHarmlessSetting(name, value)]).toEqual([name, value, true]);
  }
  for (const [name, value] of [
    ['client_encoding', 'LATIN1'],
    ['client_min_messages', 'debug1'],
    ['row_security', 'off'],
    ['statement_timeout', '-1'],
    ['role', 'x'],
    ['search_path', 'public'],
    ['search_path', null],
    ['constructor', null],
    ['work_mem', '1TB'],
    ['timezone', "x'; y"],
  ] as const) {
    expect([name, value, isHarmlessSetting(name, value)]).toEqual([name, value, false]);
  }
  expect(isHarmlessSetting('search_path', 'public', { pinnedSearchPath: 'public' })).toBe(true);
});

test('one line for lists', () => {
  const line = (text: string) => summarizeOperation(analyze(text)[0]!);
  expect(line('update orders set status = $1 where id = $2')).toBe(
    'UPDATE update public.orders(status), select public.orders(id)',
  );
  expect(line('select 1')).toBe('SELECT');
  expect(line("set timezone = 'UTC'")).toBe('SET timezone');
  expect(line('selec')).toBe('UNKNOWN: syntax error at or near `selec`');
});
