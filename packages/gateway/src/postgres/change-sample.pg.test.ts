import { waitUntil } from '@taskgate/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeSample } from '../control-plane.ts';
import { connectThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { archived, timelineOf } from '../testing/read-archived.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
  await door.database.query(`
    create table public.keyless (note text);
    insert into public.keyless values ('a'), ('b');
    create table public.parent (id int primary key, note text);
    create table public.child () inherits (public.parent);
    insert into public.parent values (1, 'in the parent');
    insert into public.child values (1, 'in the child');
    create table public.parted (region text, id int, note text, primary key (region, id)) partition by list (region);
    create table public.parted_nl partition of public.parted for values in ('NL');
    insert into public.parted values ('NL', 1, 'before'), ('NL', 2, 'other');
    create table public.wide (id int primary key, ${Array.from({ length: 20 }, (_, n) => `c${n} text`).join(', ')});
    insert into public.wide (id, c0) values (1, repeat('é', 5000));
    create table public.ruled (id int primary key, note text);
    create rule also as on update to public.ruled do instead insert into public.keyless values ('logged');
    create table public."Odd ""Name""" (id int primary key, "a ""column""" text);
    insert into public."Odd ""Name""" values (1, 'was');
    create sequence public.runs;
    create function public.stamp() returns trigger language plpgsql as
      $$ begin new.note := upper(new.note); perform nextval('public.runs'); return new; end $$;
    create table public.stamped (id int primary key, note text);
    insert into public.stamped values (1, 'old'), (2, 'old');
    create trigger stamp before insert or update on public.stamped for each row execute function public.stamp();`);
});
afterAll(async () => {
  await door.close();
});

const RULES = `allow: [{ select: '*' }]
hold:
  - update: '*'
    dryRun: true
    approvals: { from: [dba] }
  - insert: '*'
    dryRun: true
    approvals: { from: [dba] }
  - delete: '*'
    dryRun: true
    approvals: { from: [dba] }
  - statements: [merge]
    dryRun: true
    approvals: { from: [dba] }`;

/** Asks for a held write, sees what its reviewer would, and refuses it. */
async function sampleOf(
  statement: string | { text: string; values: unknown[] },
  options: { rules?: string; policies?: string[]; inBlock?: boolean; results?: 'none' } = {},
): Promise<ChangeSample & { readonly changed: number | null; readonly sqlstate: string | null }> {
  const grant = door.grant('shop-admin', {
    policies: options.policies ?? [],
    source: `kind: Task\nname: try\npurpose: p\nresource: demo-shop\nwho: { groups: [support] }\n${options.rules ?? RULES}`,
  });
  if (options.results !== undefined) Object.assign(grant.grant, { record: { results: options.results } });
  const client = await connectThrough(door, grant);
  try {
    if (options.inBlock === true) await client.query('begin');
    const before = door.controlPlane.holds.length;
    const ended = client.query(statement).then(
      () => null,
      (error: pg.DatabaseError) => error,
    );
    const hold = await Promise.race([
      waitUntil(() => door.controlPlane.holds[before] ?? null),
      ended.then((error) => Promise.reject(error ?? new Error('it was not held'))),
    ]);
    door.controlPlane.decideHold(hold.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    expect(await ended).toMatchObject({ code: '42501' });
    const { rows: changed, sqlstate, sample } = hold.dryRun!;
    return { changed, sqlstate, ...sample };
  } finally {
    await client.end();
  }
}

describe('a reviewer of a held write is shown some of its rows', () => {
  it.each([false, true])(
    'an update as they are and as they would be, and nothing of it stands; in a block: %s',
    async (inBlock) => {
      const found = await sampleOf(
        { text: 'update public.orders as o set status = $1 where id between $2 and 2', values: ['sent', 1] },
        { inBlock },
      );
      expect(found).toEqual({
        changed: 2,
        sqlstate: null,
        columns: [
          { name: 'id', mask: null },
          { name: 'status', mask: null },
        ],
        rows: [
          { before: ['1', 'open'], after: ['1', 'sent'] },
          { before: ['2', 'open'], after: ['2', 'sent'] },
        ],
        note: null,
      });
      expect(await door.database.query("select 1 from public.orders where status = 'sent'")).toEqual([]);
    },
  );

  it('an update of many rows by a few of them, counted whole', async () => {
    const found = await sampleOf(
      "update public.orders set status = 'many' from public.customers c where c.id = customer_id -- all",
    );
    expect(found).toMatchObject({ changed: 100, note: '5 of 100 rows' });
    expect(found.rows).toHaveLength(5);
  });

  it('what a delete takes away, what an insert brings, and which rows an upsert finds', async () => {
    expect(await sampleOf('delete from public.parted where id = 1')).toMatchObject({
      changed: 1,
      columns: [{ name: 'region' }, { name: 'id' }, { name: 'note' }],
      rows: [{ before: ['NL', '1', 'before'], after: null }],
    });
    expect(await sampleOf("insert into public.keyless (note) values ('c'), (null)")).toMatchObject({
      changed: 2,
      rows: [
        { before: null, after: ['c'] },
        { before: null, after: [null] },
      ],
    });
    expect(
      await sampleOf(
        "insert into public.parted as p values ('NL', 2, 'new'), ('NL', 3, 'new') on conflict (region, id) do update set note = excluded.note returning p.note, p.note, 1 + 1",
      ),
    ).toMatchObject({
      changed: 2,
      rows: [
        { before: ['NL', '2', 'other'], after: ['NL', '2', 'new'] },
        { before: null, after: ['NL', '3', 'new'] },
      ],
    });
    expect(await sampleOf('delete from public.orders where id < 0')).toMatchObject({
      changed: 0,
      rows: [],
      note: null,
    });
  });

  it('what triggers make of them, which ran once', async () => {
    const runs = async () =>
      Number((await door.database.query<{ n: string }>("select nextval('public.runs') as n"))[0]!.n);
    const before = await runs();
    expect(await sampleOf("update public.stamped set note = 'new'")).toMatchObject({
      rows: [
        { before: ['1', 'old'], after: ['1', 'NEW'] },
        { before: ['2', 'old'], after: ['2', 'NEW'] },
      ],
    });
    expect(await runs()).toBe(before + 3);
  });

  it('names that need quotes; wide rows and long values cut', async () => {
    expect(await sampleOf(`update public."Odd ""Name""" set "a ""column""" = 'is'`)).toMatchObject({
      rows: [{ before: ['1', 'was'], after: ['1', 'is'] }],
    });
    const wide = await sampleOf('delete from public.wide');
    expect(wide).toMatchObject({ note: '9 more columns' });
    expect(wide.columns).toHaveLength(12);
    expect(wide.rows[0]!.before![1]).toBe(`${'é'.repeat(200)}…`);
  });
});

describe('what of the rows a reviewer may not see is not shown', () => {
  const masked = `kind: Policy
name: personal-data
purpose: p
applies: { all: true }
mask:
  - { columns: public.customers.email, as: email }
  - { columns: public.customers.ssn, as: redact }
  - { columns: public.customers.phone, as: 'null' }
  - { kinds: [card-number] }`;

  it('masks are those of a read: by column before and after, and by what is found in a text', async () => {
    const found = await sampleOf(
      "update public.customers set email = 'new@example.org', ssn = '123-45-9999', phone = '+31', name = '4111 1111 1111 1111' where id = 7",
      { policies: [masked] },
    );
    expect(found.columns).toEqual([
      { name: 'id', mask: null },
      { name: 'name', mask: null },
      { name: 'email', mask: 'email' },
      { name: 'phone', mask: 'null' },
      { name: 'ssn', mask: 'redact' },
    ]);
    expect(found.rows).toEqual([
      {
        before: ['7', 'Customer 7', 'c***@example.com', null, '[masked]'],
        after: ['7', '**** **** **** 1111', 'n***@example.org', null, '[masked]'],
      },
    ]);
    const deleted = await sampleOf('delete from public.payments; '.replace(';', '').trim(), { policies: [masked] });
    expect(deleted).toMatchObject({ changed: 0 });
  });

  it('columns that the task may not read, or that a policy denies or holds, are named and left out', async () => {
    const rules = `allow: [{ select: public.customers, columns: [id, name, country] }]
hold:
  - update: public.customers
    dryRun: true
    approvals: { from: [dba] }`;
    const policy = `kind: Policy
name: countries
purpose: p
applies: { all: true }
deny:
  - select: public.customers
    columns: [country]
hold:
  - select: public.customers
    columns: [name]
    approvals: { from: [dba] }`;
    const statement = "update public.customers set ssn = 'x', country = 'DE', name = 'y' where id = 3";
    expect(await sampleOf(statement, { rules })).toMatchObject({
      columns: [{ name: 'id' }, { name: 'name' }, { name: 'country' }],
      rows: [{ before: ['3', 'Customer 3', 'NL'], after: ['3', 'y', 'DE'] }],
      note: 'the task may not read ssn',
    });
    expect(await sampleOf(statement, { rules, policies: [policy] })).toMatchObject({
      rows: [{ before: ['3'], after: ['3'] }],
      note: 'the task may not read name, ssn, country',
    });
  });

  it.each([
    ['without a key', 'update public.keyless set note = null', undefined, /no primary key/],
    ['with children, whose keys are their own', 'update public.parent set note = null', undefined, /no primary key/],
    ['whose key changes', 'update public.orders set id = -id where id = 5', undefined, /changes the primary key/],
    [
      'that the target refuses in a WITH, as its catalog is older than a rule',
      "update public.ruled set note = 'x'",
      undefined,
      /target does not give the rows/,
    ],
    ['behind a view', "update public.customer_mail set email = 'x'", undefined, /only one plain insert/],
    [
      'of a merge',
      'merge into public.orders o using public.customers c on c.id = o.id when matched then delete',
      undefined,
      /only one plain/,
    ],
    [
      'whose key is masked',
      "update public.customers set name = 'x'",
      'mask: [{ columns: public.customers.id, as: redact }]',
      /may not compare the primary key/,
    ],
  ] as const)(
    'nothing of a table %s is guessed: the card says why, beside the count',
    async (_what, statement, more, why) => {
      const found = await sampleOf(statement, more === undefined ? {} : { rules: `${RULES}\n${more}` });
      expect(found).toMatchObject({ sqlstate: null, rows: [], columns: [], note: expect.stringMatching(why) });
      expect(found.changed).toBeTypeOf('number');
    },
  );

  it('nothing where the task says that rows are not recorded, or that it may read nothing of them', async () => {
    expect(await sampleOf("update public.orders set status = 'x' where id = 1", { results: 'none' })).toMatchObject({
      changed: 1,
      rows: [],
      note: expect.stringContaining('not recorded'),
    });
    const rules = `allow: []
hold:
  - insert: public.keyless
    dryRun: true
    approvals: { from: [dba] }`;
    expect(
      await sampleOf("insert into public.keyless values ('x')", { rules: rules.replace('allow: []\n', '') }),
    ).toMatchObject({
      changed: 1,
      rows: [],
      note: expect.stringContaining('may not read any'),
    });
  });

  it('nothing of a write that fails', async () => {
    expect(await sampleOf("insert into public.orders (id, status) values (1, 'twice')")).toMatchObject({
      changed: null,
      sqlstate: '23505',
      rows: [],
      note: 'it failed',
    });
  });
});

it('what a reviewer was shown stands in the recording, as rows of the dry run', async () => {
  const sessions = door.controlPlane.sessions.length;
  await sampleOf("update public.orders set status = 'kept' where id = 9");
  const { sessionId } = door.controlPlane.sessions[sessions]!;
  const bytes = await archived(door, sessionId);
  const { operations } = await timelineOf(door, sessionId, bytes);
  const [held, tried] = operations;
  expect(held!.operation.via).toBe('simple');
  expect(tried!.operation.relations).toContainEqual(
    expect.objectContaining({ verb: 'select', name: 'orders', columns: ['id', 'status'] }),
  );
  expect(tried).toMatchObject({
    operation: { via: 'dry-run', label: 'DRY RUN UPDATE' },
    rows: [['1', '9', '9', 'open', 'kept']],
    outcome: { outcome: 'withheld', rows: 1, tag: null },
  });
  // What was sent to the target, to the letter.
  expect(tried!.operation.secret!.statement).toContain('with taskgate_changed as (');
});
