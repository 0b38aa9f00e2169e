import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import type { RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let reader: RawClient;
let admin: RawClient;
beforeAll(async () => {
  door = await openThreatDoor();
  reader = await door.raw(door.grant('sales-report'));
  admin = await door.raw(door.grant('shop-admin'));
});
afterAll(async () => {
  await door.close();
});

/** Every form in which a column came out of Postgres: `T` the relation, `C` its masked column. */
const FORMS: readonly string[] = [
  'select C from T',
  'select C as name from T',
  'select (C) from T',
  'select * from T',
  'select t.* from T t',
  'select C::text from T',
  'select C::varchar from T',
  'select C::varchar(20) from T',
  'select C::name from T',
  'select C collate "C" from T',
  "select C || '' from T",
  'select substr(C, 1, 30) from T',
  'select upper(C) from T',
  'select reverse(C) from T',
  "select encode(C::bytea, 'hex') from T",
  "select encode(convert_to(C, 'UTF8'), 'base64') from T",
  'select md5(C) from T',
  'select (select C from T limit 1)',
  'select s.x from (select C as x from T) s',
  'with q as (select C from T) select * from q',
  'with q as materialized (select C as id from T) select id from q',
  'with recursive q(x, n) as (select C, 1 from T union all select x, n + 1 from q where n < 2) select x from q',
  'with T2 as (select C as name from T) select name from T2',
  'select C from T union all select C from T',
  'select null union all select C from T',
  'select C from T except select null',
  'select C from T intersect select C from T',
  'select a.C from T a left join T b on a.id = b.id',
  'select C from T a full join T b using (C)',
  'select distinct on (id) C from T',
  'select C from T group by id, C',
  'select C from T group by grouping sets ((C), ())',
  'select l.y from T a, lateral (select a.C as y) l',
  'select l.y from T a, lateral (values (a.C)) l(y)',
  'select (t).C from T t',
  'select (t.*).C from T t',
  'select t from T t',
  'select t::text from T t',
  'select row(t.C) from T t',
  'select row_to_json(t) from T t',
  'select to_jsonb(t) from T t',
  "select to_jsonb(t) -> 'C' from T t",
  "select jsonb_path_query(to_jsonb(t), '$.C') from T t",
  'select json_build_object(1, C) from T',
  'select json_agg(C) from T',
  'select xmlelement(name x, C) from T',
  'select xmlforest(C) from T',
  'select max(C) from T',
  'select min(C) over () from T',
  'select array_agg(C) from T',
  "select string_agg(C, ',') from T",
  'select array[C] from T',
  'select (array[C])[1] from T',
  'select array(select C from T)',
  'select unnest(array[C]) from T',
  "select coalesce(C, '') from T",
  'select nullif(C, null) from T',
  'select greatest(C, null) from T',
  'select case when true then C end from T',
  'select first_value(C) over (order by id) from T',
  'select lag(C, 0) over (order by id) from T',
  'table T',
  'select C from only T',
  'select C from T tablesample system (100)',
  'select C from T for update',
  'select C from T order by id fetch first 1 rows with ties',
  'values ((select C from T limit 1))',
  'select x.* from (select C from T) as x(a)',
  'select j.* from (T a join T b on a.id = b.id) as j',
  "select format('%s', C) from T",
  'select concat(C) from T',
  "select concat_ws('', C, null) from T",
  "select regexp_replace(C, '', '') from T",
  "select regexp_split_to_table(C, '') from T",
  "select string_to_table(C, '') from T",
  'select ascii(substr(C, 1, 1)) from T',
  'select length(C) from T',
  "select split_part(C, '@', 1) from T",
  "select C ~ '^k' from T",
  'select quote_literal(C) from T',
  'select to_tsvector(C) from T',
  'select hashtext(C) from T',
  "select C from T where id = 1 union select 'x'",
  'select exists (select 1 from T where C is not null)',
  'select C in (select C from T) from T',
  "select count(*) filter (where C like 'k%') from T",
  'select percentile_disc(0.5) within group (order by C) from T',
  'select json_object_agg(C, 1) from T',
  "select x from T, json_table(to_jsonb(C), '$' columns (x text path '$')) j",
  "select json_value(to_jsonb(C), '$') from T",
  'explain (verbose) select C from T',
  'explain (analyze, verbose) select C from T',
  'copy (select C from T) to stdout',
  'copy (select C from T) to stdout (format csv)',
  'copy (select * from T) to stdout',
  'copy T (C) to stdout',
  'copy T to stdout (format csv, header)',
  'declare d cursor with hold for select C from T; fetch all from d; close d',
];

const sends = async (client: RawClient, text: string): Promise<void> => {
  await client.query(text);
  await client.extended(text);
  await client.extended(text, [], 1);
  expect(client.closed, text).toBe(false);
  const leaked = door.leaksTo(client);
  if (leaked.length > 0) leaks.push(`${text}: ${leaked[0]}`);
};

let leaks: string[] = [];
beforeEach(() => {
  leaks = [];
});
afterEach(() => {
  expect(leaks).toEqual([]);
});

describe('no form of a column brings out what it holds: by text, extended, and binary', () => {
  for (const [what, column] of [
    ['an e-mail that is masked', 'email'],
    ['a number that is not allowed', 'ssn'],
    ['a phone that is not allowed', 'phone'],
  ] as const)
    it(`1.2 ${what}`, async () => {
      for (const relation of ['public.customers', 'public.whole_customers', 'public.customer_mail'])
        for (const form of FORMS) await sends(reader, form.replaceAll(/\bT\b/g, relation).replaceAll(/\bC\b/g, column));
      door.expectNoLeak();
    });

  it('1.2 numbers that are redacted by a policy of the resource, for a task that may do everything', async () => {
    const client = await door.raw(
      door.grant('shop-admin', {
        policies: [
          `kind: Policy
name: hidden
purpose: Every canary is masked
applies: { resources: { labels: { env: production } } }
classify:
  - columns: [public.customers.ssn, public.customers.email, public.customers.phone, public.payments.card_number]
    as: pii
mask:
  - class: pii
    as: redact
`,
        ],
      }),
    );
    const before = await door.fingerprint();
    for (const [relation, columns] of [
      ['public.customers', ['ssn', 'email']],
      ['public.whole_customers', ['ssn', 'phone']],
      ['public.payments', ['card_number']],
    ] as const)
      for (const column of columns)
        for (const form of FORMS) {
          await sends(client, form.replaceAll(/\bT\b/g, relation).replaceAll(/\bC\b/g, column));
        }
    for (const text of [
      'update public.customers set name = ssn where id = 1 returning name',
      'update public.customers set name = name where id = 1 returning ssn',
      'delete from public.payments where id < 0 returning card_number',
      'insert into public.customers (id, name) select id + 1000, ssn from public.customers returning name',
      "insert into public.customers (id, ssn) select 1, 'x' on conflict (id) do update set name = customers.ssn returning name",
      'merge into public.customers c using public.customers s on c.id = s.id when matched then update set name = s.ssn returning c.name',
      'update public.customers c set name = s.ssn from public.customers s where s.id = c.id returning c.name',
      'update public.customers set (name, country) = (select ssn, email from public.customers limit 1) returning *',
      'create table public.t9 as select ssn from public.customers',
      'select ssn into public.t9 from public.customers',
      'create view public.v9 as select id, ssn as name from public.customers',
      'create or replace view public.customer_mail as select id, ssn as email from public.customers; select * from public.customer_mail',
      'create materialized view public.m9 as select ssn from public.customers',
      'create index on public.customers (public.row_peek(customers))',
      'create table public.t9 (x text default public.peek())',
      'alter table public.customers rename ssn to plain_ssn',
      'alter table public.customers add column copy text generated always as (ssn) stored',
      "alter table public.customers alter column ssn type text using ssn || ''",
      'alter view public.whole_customers rename column ssn to x',
      'alter view public.whole_customers rename to other',
      'alter table public.payments rename to p2',
      'alter schema public rename to p3',
      'create rule r as on select to public.orders do instead select * from public.customers',
      "create function public.f9() returns text language sql as 'select ssn from public.customers limit 1'",
      'create trigger t9 after update on public.orders for each row execute function public.f9()',
      "do $$ begin raise notice '%', (select ssn from public.customers limit 1); end $$",
      "do $$ begin raise exception '%', (select ssn from public.customers limit 1); end $$",
      'select public.peek()',
      'select * from public.peeks()',
      'select public.row_peek(c) from public.customers c',
      'create operator public.@@@ (function = public.row_peek, rightarg = public.customers)',
      'create cast (public.customers as text) with function public.row_peek',
      'create policy p9 on public.orders using (public.peek() is not null)',
      'create statistics public.s9 on ssn, email from public.customers',
      'analyze public.customers; select most_common_vals from pg_stats',
      'create type public.y9 as (a text); create domain public.d9 as text check (public.peek() is null)',
      'create aggregate public.a9 (text) (sfunc = textcat, stype = text)',
      'create publication p9 for all tables',
      'alter role postgres set search_path = x',
      'create temp table customers as select id, ssn as name from public.customers; select name from customers',
    ])
      await sends(client, text);
    await door.database.query(
      'drop statistics if exists public.s9; drop type if exists public.y9; drop domain if exists public.d9',
    );
    door.expectNoLeak();
    expect(await door.fingerprint()).toBe(before);
  });

  it('W22 an error quotes no row: unique, check, not-null and foreign key', async () => {
    const [other] = await door.database.query<{ ssn: string }>('select ssn from public.customers where id = 2');
    expect(other!.ssn).toMatch(/^\d/);
    for (const text of [
      'update public.customers set id = 2 where id = 1',
      'update public.customers set id = null where id = 1',
      "update public.orders set status = 'forbidden' where id = 1",
      'update public.orders set customer_id = 99 where id = 1',
      'insert into public.customers (id) values (1)',
      'delete from public.customers where id = 1',
    ]) {
      for (const answer of [await admin.query(text), await admin.extended(text)])
        expect(answer.errors.map(({ fields }) => fields).join('\n'), text).not.toMatch(/Failing row|^D=/m);
    }
    door.expectNoLeak();
  });

  it('W22 an error of a task that sees only some columns quotes no row either, without any mask', async () => {
    const client = await door.raw(
      door.grant('fix-order-status', {
        policies: [],
        source: `kind: Task
name: fix-order-status
purpose: Names only
resource: demo-shop
who: { groups: [support] }
access: { ttl: 30m }
allow:
  - select: public.customers
    columns: [id, name]
  - update: public.customers
    columns: [name, id]
`,
      }),
    );
    await door.database.query('alter table public.customers add constraint short check (length(name) < 30)');
    const answer = await client.query(`update public.customers set name = '${'x'.repeat(40)}' where id = 3`);
    await door.database.query('alter table public.customers drop constraint short');
    expect(answer.errors[0]?.code).toBe('23514');
    expect((await client.query("update public.customers set id = 2, name = 'y' where id = 3")).errors[0]?.code).toBe(
      '23505',
    );
    door.expectNoLeak();
  });

  it('the e-mail as the task says it, through every plain form', async () => {
    for (const text of [
      'select email from public.customers where id = 1',
      'select c.email as anything from public.customers c where c.id = 1',
      'select email from public.customer_mail where id = 1',
      'select x from (select email as x, id from public.customers) s where id = 1',
      'with q as (select * from public.customer_mail) select email from q where id = 1',
      'select email::text from public.customers where id = 1',
    ])
      for (const answer of [await reader.query(text), await reader.extended(text, [], 1)])
        expect([text, answer.rows, answer.errors]).toEqual([text, [['k***@example.com']], []]);
  });
});
