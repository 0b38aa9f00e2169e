import type { PostgresCatalog, SqlOperation } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const analyzers = await Promise.all([15, 16, 17, 18].map(createSqlAnalyzer));

function analyze(text: string, serverMajor = 18, catalog: PostgresCatalog = SHOP_CATALOG): SqlOperation {
  return analyzers[serverMajor - 15]!.analyze(text, catalog)[0]!;
}

const isSsn = (column: { relation: string; column: string }) =>
  column.relation === 'customers' && column.column === 'ssn';

function outputsOfSsn(operation: SqlOperation) {
  return (operation.output ?? []).filter((column) => column.sources.some(isSsn));
}

/** THREATS 1.2, forms in which the value goes out as it is: a mask on the output holds it. */
const PLAIN: readonly string[] = [
  'select ssn from customers',
  'select ssn as country from customers',
  'select (((ssn))) from customers',
  'select * from customers',
  'select c.* from customers c',
  'select customers.* from public.customers',
  'select public.customers.ssn from customers',
  'select shop.public.customers.ssn from customers',
  'select ssn::text from customers',
  'select ssn::varchar from customers',
  'select cast(ssn as text) from customers',
  'select ssn collate "C" from customers',
  'select x from (select ssn as x from customers) s',
  'select s.x from (select ssn from customers) s(x)',
  'with p as (select ssn x from customers) select x from p',
  'with p(y) as materialized (select ssn from customers) select y from p',
  'select c.ssn from orders o left join customers c on c.id = o.customer_id',
  'select distinct ssn from customers',
  'select ssn from customers group by ssn',
  'select ssn from customers group by grouping sets ((ssn), ())',
  'select ssn from customers order by id limit 1',
  'select l.x from orders o, lateral (select ssn as x from customers where id = o.customer_id) l',
  'select (c).ssn from customers c',
  'select (c).* from customers c',
  'select (customers).ssn from customers',
  'update customers set name = name returning ssn',
  'delete from customers returning *',
  "insert into customers(name) values ('x') returning ssn",
  'table customers',
  'select ssn from customers for update',
  'select ssn from customers tablesample system (10)',
  'select ssn from only customers',
  'select ssn from vip_customers',
  'select (select ssn from customers limit 1)',
  'select ssn from customers union select name from customers',
  'select name from customers union all select ssn from customers',
  'select ssn from customers intersect select ssn from customers',
  'select id, ssn from customers a full join customers b using (id, ssn)',
  'select ssn from customers natural join vip_customers',
  'select x.v from customers c, lateral (values (c.ssn)) x(v)',
  'values ((select ssn from customers limit 1))',
  'copy customers to stdout',
  'copy customers (ssn) to stdout with (format csv)',
  'copy (select ssn from customers) to stdout',
  'select "ssn" from "customers"',
  'select SSN from CUSTOMERS',
  'select U&"\\0073sn" from customers',
  'select U&"!0073sn" uescape \'!\' from customers',
  'with recursive t as (select ssn from customers union all select ssn from t) select ssn from t',
];

/** Forms in which the value is changed, tested or laid elsewhere: the column is used, so a policy can refuse. */
const USED: readonly string[] = [
  'select ssn::varchar(4) from customers',
  'select ssn::int from customers',
  'select ssn::bytea from customers',
  "select ssn || '' from customers",
  'select substr(ssn, 1, 3) from customers',
  'select substring(ssn from 1 for 3) from customers',
  "select ssn like '1%' from customers",
  'select ssn[1] from customers',
  'select array[ssn] from customers',
  'select row(ssn) from customers',
  'select c from customers c',
  'select customers from customers',
  'select c::text from customers c',
  'select row_to_json(c) from customers c',
  'select to_jsonb(c.*) from customers c',
  'select json_agg(c) from customers c',
  'select max(ssn) from customers',
  'select array_agg(ssn order by id) from customers',
  "select count(*) filter (where ssn > '5') from customers",
  "select string_agg(name, ',' order by ssn) from customers",
  'select lag(ssn) over (order by id) from customers',
  'select rank() over (order by ssn) from customers',
  'select rank() over w from customers window w as (partition by ssn)',
  "select coalesce(ssn, '') from customers",
  'select case when true then ssn end from customers',
  "select case ssn when '1' then 1 end from customers",
  "select nullif(ssn, '') from customers",
  'select greatest(ssn, name) from customers',
  'select unnest(array[ssn]) from customers',
  'select u from customers, unnest(array[ssn]) u',
  "select x from customers, regexp_split_to_table(ssn, '') x",
  'select id from customers where ssn = $1',
  "select id from customers where ssn like '1%'",
  'select id from customers where ssn is null',
  "select id from customers where ssn in ('1', '2')",
  'select id from customers where ssn between $1 and $2',
  'select id from customers where (id, ssn) = (1, $1)',
  'select id from customers group by id, ssn',
  'select country from customers group by country having max(ssn) > $1',
  'select id from customers order by ssn',
  'select id, ssn as s from customers order by s',
  'select id, ssn from customers order by 2',
  'select distinct on (ssn) id from customers',
  'select distinct ssn from customers',
  'select o.id from orders o join customers c on c.ssn = o.status',
  'select a.id from customers a join customers b using (ssn)',
  'select exists (select 1 from customers where ssn = $1)',
  'select $1 in (select ssn from customers)',
  'select $1 = any (select ssn from customers)',
  'select array(select ssn from customers)',
  'select id from orders where status = (select ssn from customers limit 1)',
  'select ssn from customers union select name from customers',
  'select name from customers except select ssn from customers',
  'insert into orders(status) select ssn from customers',
  'update orders set status = (select ssn from customers limit 1)',
  'update orders set (status, id) = (select ssn, id from customers limit 1)',
  'update customers set name = ssn returning name',
  'update orders set status = c.ssn from customers c',
  'insert into customers(id) values (1) on conflict (ssn) do nothing',
  'insert into customers(id) values (1) on conflict (id) do update set name = customers.ssn',
  'delete from orders using customers c where c.ssn = status',
  'delete from customers where ssn = $1',
  'create table leak as select ssn from customers',
  'create materialized view leak as select ssn from customers',
  'create view leak as select ssn from customers',
  'select ssn into leak from customers',
  'merge into orders o using customers c on o.id = c.id when matched then update set status = c.ssn',
  'merge into orders o using customers c on c.ssn = o.status when matched then delete',
  'merge into orders o using customers c on false when not matched then insert (status) values (c.ssn)',
  'explain analyze select ssn from customers',
  "explain select 1 from customers where ssn = '1'",
  'select label from labels',
  'select label from labels_kept',
  'select id from labels where label like $1',
  'select generate_series(1, length(ssn)) from customers',
  'select * from customers limit (select length(ssn) from customers limit 1)',
];

describe('the masked column is in sources or uses for', () => {
  test.each(PLAIN)('%s', (text) => {
    const operation = analyze(text);
    expect(operation.unknowns).toEqual([]);
    const outputs = outputsOfSsn(operation);
    expect(outputs.length).toBeGreaterThan(0);
    expect(outputs.every((column) => column.plain)).toBe(true);
  });

  test.each(USED)('%s', (text) => {
    const operation = analyze(text);
    expect(operation.unknowns).toEqual([]);
    expect(operation.uses.filter((use) => isSsn(use.column))).not.toEqual([]);
  });

  test('the same in every supported version', () => {
    for (const text of [...PLAIN, ...USED]) {
      const newest = analyze(text, 18);
      for (const major of [15, 16, 17]) {
        const { output, uses, unknowns, accesses } = analyze(text, major);
        expect({ text, output, uses, unknowns, accesses }).toEqual({
          text,
          output: newest.output,
          uses: newest.uses,
          unknowns: newest.unknowns,
          accesses: newest.accesses,
        });
      }
    }
  });
});

/**
 * Names and places that the server gives and the text does not show. A name that the analysis gives instead would make the
 * masked column mean another one, which has nothing to hide.
 */
const NAMED_BY_THE_SERVER: readonly string[] = [
  'select (select column1 from (select (values (c.ssn) limit 1) from customers c) s limit 1) from (values (1)) o',
  'select (select n from (select ((select ssn as n from customers) union all (select status from orders) limit 1)) s limit 1) from (select 1 as n) o',
  'select (select ssn from (select (select * from (select ssn from customers) c limit 1)) s limit 1) from (select 1 as ssn) o',
  'select (select value from current_date limit 1) from (select ssn as value from customers) o',
  "select (select coalesceexpr from coalesce('a') limit 1) from (select ssn as coalesceexpr from customers) o",
  "select (select typecast from cast('a' as text) limit 1) from (select ssn as typecast from customers) o",
  "select (select x from pg_partition_ancestors('orders') x limit 1) from (select ssn as x from customers) o",
  "select (select u from unnest(to_tsvector('a b')) u limit 1) from (select ssn as u from customers) o",
  "select (select key.value from json_each('{}') limit 1) from (select ssn as value from customers) key",
  "select (select s.c8) from (select * from unnest(to_tsvector('a')) u, customers c) s(c1, c2, c3, c4, c5, c6, c7, c8)",
  'select (select s.c8) from (select * from pg_lock_status() u, customers c) s(c1, c2, c3, c4, c5, c6, c7, c8)',
  "select (select json_object from (select json_object('a': c.ssn) from customers c) s limit 1) from (select 1 as json_object) o",
];

describe('the masked column is seen, or nothing is understood, under a name that only the server gives it', () => {
  test.each(NAMED_BY_THE_SERVER)('%s', (text) => {
    const operation = analyze(text);
    const seen = [...outputsOfSsn(operation), ...operation.uses.filter((use) => isSsn(use.column))];
    expect(seen.length + operation.unknowns.length).toBeGreaterThan(0);
  });

  test('what a function in from gives is known to come from its arguments, or is unknown', () => {
    for (const text of [
      'select u from unnest((select array_agg(ssn) from customers)) u',
      'select f.b from unnest(array[1], (select array_agg(ssn) from customers)) f(a, b)',
      'select f.b from unnest(array[1], (select array_agg(ssn) from customers union select null)) f(a, b)',
      'select f.a from (select array_agg(ssn) as list from customers) s, unnest(s.list) f(a)',
      'select f.a from unnest((select to_tsvector(ssn) from customers)) f(a, b, c)',
      'select * from unnest((select to_tsvector(ssn) from customers))',
    ]) {
      const operation = analyze(text);
      expect({ text, seen: outputsOfSsn(operation).length + operation.unknowns.length }).not.toEqual({ text, seen: 0 });
    }
  });

  test('a function that gives one value has its own name or its alias', () => {
    for (const text of [
      'select l.lexeme from customers c, unnest(to_tsvector(c.name)) l',
      "select x, s.* from string_to_table('a b', ' ') x, (select ssn from customers) s",
      'select generate_series from generate_series(1, 2)',
      'select u.a from customers c, unnest(array[c.name]) u(a)',
      'select unnest.unnest from unnest(string_to_array($1::text, $2)) ',
      'select j.k from json_to_record($1::json) j(k text)',
    ])
      expect({ text, unknowns: analyze(text).unknowns }).toEqual({ text, unknowns: [] });
  });
});

describe('what only looks like the column', () => {
  test('a common table expression named like the table hides it', () => {
    const operation = analyze('with customers as (select 1 as ssn) select ssn from customers');
    expect(operation.accesses).toEqual([]);
    expect(operation.output).toEqual([{ name: 'ssn', sources: [], plain: true }]);
  });

  test('in with recursive a name hides the table before it is defined', () => {
    const operation = analyze(
      'with recursive a as (select id from customers), customers as (select 1 as id) select id from a',
    );
    expect(operation.unknowns[0]?.code).toBe('unsupported');
  });

  test('a system relation in an inner query cannot take a name from a known relation outside', () => {
    const operation = analyze('select (select ssn from pg_class limit 1) from customers');
    expect(outputsOfSsn(operation)).toHaveLength(1);
  });

  test('renaming by position after the star of a system relation is refused', () => {
    const operation = analyze('select s.b from (select * from pg_class, customers) s(a, b)');
    expect(operation.unknowns[0]?.code).toBe('unsupported');
  });

  test('a returned column names what was assigned to it', () => {
    const operation = analyze('update customers set name = ssn returning name');
    expect(outputsOfSsn(operation).map((column) => column.name)).toEqual(['name']);
  });

  test('returning * of a merge gives the source first', () => {
    const operation = analyze(
      'merge into orders o using (select ssn from customers) c on false when not matched then do nothing returning *',
    );
    expect(operation.output?.map((column) => column.name)).toEqual([
      'ssn',
      'id',
      'customer_id',
      'status',
      'total_cents',
      'created_at',
    ]);
  });

  test('returning old and new', () => {
    const operation = analyze('update customers set name = ssn returning old.name, new.name as fresh');
    expect(operation.unknowns).toEqual([]);
    expect(outputsOfSsn(operation).map((column) => column.name)).toEqual(['fresh']);
  });

  test('a view names its own column and the base column, plain all the way', () => {
    const operation = analyze('select mail from contacts_again');
    expect(operation.output?.[0]).toMatchObject({ plain: true });
    expect(operation.output?.[0]?.sources.map((one) => `${one.relation}.${one.column}`)).toEqual([
      'contacts_again.mail',
      'contacts.mail',
      'customers.email',
      'vip_customers.email',
    ]);
    expect(operation.uses).toEqual([]);
    expect(operation.accesses[0]?.expands[0]?.expands[0]?.relation.name).toBe('customers');
  });

  test('a child names the columns of its parent, and a partition those of the partitioned table', () => {
    const sources = (text: string) => analyze(text).output?.[0]?.sources.map((one) => one.relation);
    expect(sources('select ssn from vip_customers')).toEqual(['vip_customers', 'customers']);
    expect(sources('select ssn from customers')).toEqual(['customers', 'vip_customers']);
    expect(sources('select ssn from only customers')).toEqual(['customers']);
    expect(sources('select body from events_2026')).toEqual(['events_2026', 'events']);
  });
});
