import { encodeExecute, encodeFlush, encodeSync } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough, psqlThrough } from '../testing/door-clients.ts';
import type { MemoryGrant } from '../testing/memory-control-plane.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';
import { readPlan } from './foresee-effect.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
  await door.database.query(`
    create sequence public.tried;
    create function public.note() returns trigger language plpgsql as
      $$ begin raise notice 'a trigger ran'; perform nextval('public.tried'); return new; end $$;
    create trigger note after update on public.orders for each row execute function public.note();
    analyze`);
});
afterAll(async () => {
  await door.close();
});

const task = (rules: string): MemoryGrant =>
  door.grant('shop-admin', {
    policies: [],
    source: `kind: Task\nname: browse\npurpose: p\nresource: demo-shop\nwho: { groups: [support] }\n${rules}`,
  });
const browse = () => task('allow: [{ select: public.orders, estimate: { max: 20 } }]');
const failing = (query: Promise<unknown>): Promise<pg.DatabaseError> =>
  query.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: pg.DatabaseError) => error,
  );
const heldNow = (matching: string) =>
  waitUntil(
    () =>
      door.controlPlane.holds.find((hold) => hold.statement.includes(matching) && hold.state.state === 'waiting') ??
      null,
  );

describe('an estimate on an allow rule', () => {
  it('lets few rows through and refuses many, before any of it runs', async () => {
    const few = await psqlThrough(door, browse(), 'select id from public.orders where id <= 3 order by id');
    expect(few).toMatchObject({ stdout: '1\n2\n3\n', stderr: '' });
    const many = await psqlThrough(door, browse(), 'select id from public.orders');
    expect(many.stderr).toMatch(/42501.*the planner expects 100 rows of `SELECT`, and the rule lets through 20/);
    expect(many.stdout).toBe('');
  });

  it('is made with the parameters of the driver, in any form, and leaves its transaction as it was', async () => {
    const client = await connectThrough(door, browse());
    const query = { name: 'up-to', text: 'select id from public.orders where id <= $1 order by id' };
    expect((await client.query({ ...query, values: [2] })).rowCount).toBe(2);
    expect(await failing(client.query({ ...query, values: [90] }))).toMatchObject({ code: '42501' });
    await client.query('begin');
    expect((await client.query({ ...query, values: [3] })).rowCount).toBe(3);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    // A plan that fails refuses the statement; planning its own Bind fails at the target too.
    expect(await failing(client.query('select id from public.orders where id = 1 / $1::int', [0]))).toMatchObject({
      code: expect.stringMatching(/42501|22012/),
    });
    await client.query('rollback');
    expect((await client.query({ ...query, values: [1] })).rowCount).toBe(1);
    await client.end();
  });

  it('is not given for what hides the statement, or calls what planning would run', async () => {
    for (const text of [
      'select id from public.orders where id = 1; select id from public.orders where id = 2',
      'prepare p as select id from public.orders where id = 1',
      'copy (select id from public.orders where id = 1) to stdout',
    ])
      expect((await psqlThrough(door, browse(), text)).stderr).toMatch(/cannot be estimated/);
  });
});

describe('a held write', () => {
  const rules = (more = '') => `
allow: [{ select: public.orders }]
hold:
  - update: public.orders
    estimate: { above: 5 }
    approvals: { from: [dba] }${more}`;
  const statusOf = async (id: number) =>
    (await door.database.query<{ status: string }>('select status from public.orders where id = $1', [id]))[0]!.status;
  const decide = (holdId: string, state: 'approved' | 'refused') =>
    door.controlPlane.decideHold(holdId, { state, by: ['reviewer@demo.test'], comment: null });

  it('is held above its estimate only, and shows it', async () => {
    const grant = task(rules());
    const few = await psqlThrough(door, grant, "update public.orders set status = 'few' where id = 1");
    expect(few.stdout).toBe('UPDATE 1\n');
    const running = psqlThrough(door, grant, "update public.orders set status = 'many' where id <= 50");
    const hold = await heldNow("'many'");
    expect(hold.estimate!.rows).toBeGreaterThan(20);
    expect(hold.estimate!.rows).toBeLessThan(80);
    expect(hold.dryRun).toBeNull();
    decide(hold.holdId, 'approved');
    expect((await running).stdout).toBe('UPDATE 50\n');
  });

  it('shows what it would do, by a dry run that is rolled back and recorded', async () => {
    const client = await connectThrough(door, task(rules('\n    dryRun: true')));
    for (const inBlock of [false, true]) {
      const before = Number((await door.database.query<{ n: string }>("select nextval('public.tried') as n"))[0]!.n);
      if (inBlock) await client.query('begin');
      const running = client.query('update public.orders set status = $1 where id <= $2', ['tried', 40]);
      const failed = failing(running);
      const hold = await heldNow('status = $1');
      expect(hold.dryRun).toMatchObject({ rows: 40, sqlstate: null, notices: 40 });
      expect(await statusOf(40)).not.toBe('tried');
      // The warning is true: sequences are not rolled back.
      const after = Number((await door.database.query<{ n: string }>("select nextval('public.tried') as n"))[0]!.n);
      expect(after - before).toBe(41);
      decide(hold.holdId, 'refused');
      expect(await failed).toMatchObject({ code: '42501' });
      if (inBlock) await client.query('rollback');
      expect(await statusOf(40)).not.toBe('tried');
    }
    expect((await client.query('select count(*)::int as n from public.orders where id <= 3')).rows).toEqual([{ n: 3 }]);
    await client.end();
    const tried = await waitUntil(() => {
      const operations = door.controlPlane.batches.flatMap(({ batch }) => batch.operations);
      const found = operations.filter(({ label }) => label === 'DRY RUN UPDATE');
      return found.length === 2 ? found : null;
    });
    expect(tried[0]).toMatchObject({ outcome: 'allow', reasons: [{ code: 'dry-run' }] });
  });

  it('does nothing behind the end of a block that the client has not synced yet', async () => {
    const client = await RawClient.open(door, task(rules('\n    dryRun: true')));
    await client.query('begin');
    await client.until('C', parse('', 'commit'), bind('', ''), encodeExecute('', 0), encodeFlush());
    const text = "update public.orders set status = 'unapproved' where id <= 40";
    const held = client.exchange([parse('', text), bind('', ''), encodeExecute('', 0), encodeSync()]);
    const hold = await heldNow("'unapproved'");
    expect(hold.dryRun).toBeNull();
    expect(await statusOf(40)).not.toBe('unapproved');
    decide(hold.holdId, 'refused');
    expect((await held).errors).toMatchObject([{ code: '42501' }]);
    expect(await statusOf(40)).not.toBe('unapproved');
    client.close();
  });

  it('says that a dry run failed, and is asked all the same', async () => {
    const grant = task(
      rules('\n    dryRun: true')
        .replace('update: public.orders', 'insert: public.orders')
        .replace('estimate: { above: 5 }', ''),
    );
    const running = psqlThrough(door, grant, "insert into public.orders (id, status) values (1, 'twice')");
    const hold = await heldNow("'twice'");
    expect(hold.dryRun).toMatchObject({
      rows: null,
      sqlstate: '23505',
      notices: 0,
      sample: { rows: [], note: 'it failed' },
    });
    decide(hold.holdId, 'refused');
    expect((await running).stderr).toMatch(/refused by reviewer/);
  });
});

describe('a plan', () => {
  it('that is none of Postgres’ is no estimate', () => {
    for (const text of ['', '[]', '[{"Plan":{}}]', '[{"Plan":{"Plan Rows":-1}}]', '{"Plan":{"Plan Rows":1}}'])
      expect(readPlan(text)).toBeNull();
    const scan = { 'Node Type': 'Seq Scan', 'Plan Rows': 40, 'Parent Relationship': 'Outer' };
    expect(readPlan(JSON.stringify([{ Plan: { 'Node Type': 'ModifyTable', 'Plan Rows': 0, Plans: [scan] } }]))).toEqual(
      {
        rows: 40,
        scanned: 40,
      },
    );
  });
});
