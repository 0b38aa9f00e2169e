import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EveryWay, WAYS } from '../testing/every-way.ts';
import { EVERY_CANARY_MASKED, openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { COLUMN_FORMS, type ColumnForm, fillForm, WRITING_FORMS } from './column-forms.ts';

let door: ThreatDoor;
let reader: RawClient;
let admin: RawClient;
let readers: EveryWay;
let admins: EveryWay;
beforeAll(async () => {
  door = await openThreatDoor();
  reader = await door.raw(door.grant('sales-report'));
  admin = await door.raw(door.grant('shop-admin'));
  readers = await EveryWay.open(door, door.grant('sales-report'));
  admins = await EveryWay.open(door, door.grant('shop-admin', { policies: [EVERY_CANARY_MASKED] }));
});
afterAll(async () => {
  await door.close();
});

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

describe('no form of a column brings out what it holds, whichever way it is sent', () => {
  for (const [what, column] of [
    ['an e-mail that is masked', 'email'],
    ['a number that is not allowed', 'ssn'],
    ['a phone that is not allowed', 'phone'],
  ] as const)
    it.each(['public.customers', 'public.whole_customers', 'public.customer_mail'])(
      `1.2 ${what}, of %s`,
      async (relation) => {
        for (const form of COLUMN_FORMS)
          for (const text of fillForm(form, relation, column)) await readers.check(text, () => undefined);
      },
    );

  const answers = async (form: ColumnForm, relation: string, column: string): Promise<void> => {
    const shown: Record<string, string> = Object.fromEntries(WAYS.map((way) => [way, '']));
    const refused: Record<string, boolean> = {};
    for (const text of fillForm(form, relation, column))
      await admins.check(text, ({ rows, errors, copied }, way) => {
        shown[way] += `${rows.flat().join('\t')}${copied}`;
        refused[way] = refused[way] === true || errors.length > 0;
      });
    for (const way of WAYS) {
      expect([way, form.name, refused[way]]).toEqual([way, form.name, form.answer === 'refused']);
      // The console shows no data of a copy.
      const copies = form.statements[0]!.startsWith('copy');
      if (form.answer === 'masked' && !(copies && way === 'console'))
        expect(shown[way], form.name).toMatch(/\[masked\]/);
    }
  };

  it.each(COLUMN_FORMS)('1.2 $origin: $name, for a task that may do everything: $answer', async (form) => {
    await answers(form, 'public.customers', 'ssn');
    await answers(form, 'public.customers', 'email');
  });

  it.each(WRITING_FORMS)('1.2 $origin: $name, for a task that may do everything: $answer', async (form) => {
    await answers(form, 'public.customers', 'ssn');
  });

  it('1.2 every form over a view and over another table, for a task that may do everything', async () => {
    for (const [relation, column] of [
      ['public.whole_customers', 'ssn'],
      ['public.whole_customers', 'phone'],
      ['public.payments', 'card_number'],
    ] as const)
      for (const form of COLUMN_FORMS)
        for (const text of fillForm(form, relation, column)) await admins.check(text, () => undefined);
  });

  it('1.2 writes and definitions that would carry it elsewhere, for a task that may do everything', async () => {
    const client = await door.raw(door.grant('shop-admin', { policies: [EVERY_CANARY_MASKED] }));
    const before = await door.fingerprint();
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

  it('P6 a copy does not say whether a column’s name is what a masked value is', async () => {
    const [row] = await door.database.query<{ email: string }>('select email from public.customers where id = 1');
    for (const options of ['', ' (format csv)', ' (header false)', ' (format csv, header 0)', ' (header 1)']) {
      const text = `copy (select email as "${row!.email}" from public.customers where id = 1) to stdout${options}`;
      const { copied } = await reader.query(text);
      const rows = copied.trim().split('\n');
      expect([text, rows.at(-1)?.replaceAll('"', '')]).toEqual([text, 'k***@example.com']);
    }
    const named = await reader.query('copy (select id, email from public.customers where id = 1) to stdout (header)');
    expect(named.copied).toBe('id\temail\n1\tk***@example.com\n');
  });
});
