import { encodeExecute, encodeFlush, encodeSync } from '@taskgate/protocol-postgres';
import { psqlPath, runCommand } from '@taskgate/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough, psqlThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
});
afterAll(async () => {
  await door.close();
});

const failing = (query: Promise<unknown>): Promise<pg.DatabaseError> =>
  query.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: pg.DatabaseError) => error,
  );

describe('the rows of a grant', () => {
  it('are sent to the last one, though they are reserved in slices', async () => {
    const grant = door.grant('shop-admin', { limits: { rows: 5_000 }, policies: [] });
    const client = await connectThrough(door, grant);
    expect((await client.query('select * from generate_series(1, 4000)')).rowCount).toBe(4_000);
    expect((await client.query('select * from generate_series(1, 999)')).rowCount).toBe(999);
    expect((await client.query('select 1')).rowCount).toBe(1);
    expect(await failing(client.query('select 1'))).toMatchObject({ code: '42501' });
    await client.end();
  });

  it('are shared by two connections that read at once', async () => {
    const grant = door.grant('shop-admin', { limits: { rows: 1_000 }, policies: [] });
    const clients = await Promise.all([connectThrough(door, grant), connectThrough(door, grant)]);
    let seen = 0;
    await Promise.all(
      clients.map(async (client) => {
        const query = client.query({ text: 'select n from generate_series(1, 900) n', rowMode: 'array' });
        client.on('error', () => undefined);
        (client as unknown as { connection: { on(event: string, hear: () => void): void } }).connection.on(
          'dataRow',
          () => {
            seen += 1;
          },
        );
        await query.catch(() => undefined);
      }),
    );
    expect(seen).toBe(1_000);
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  });

  it('go on within the slice while the store is away, and no further', async () => {
    const grant = door.grant('shop-admin', { limits: { rows: 100_000 }, policies: [] });
    const client = await connectThrough(door, grant);
    await client.query('select 1');
    door.controlPlane.down = true;
    try {
      expect((await client.query('select * from generate_series(1, 10)')).rowCount).toBe(10);
      expect(await failing(client.query('select * from generate_series(1, 100000)'))).toMatchObject({
        code: '53400',
        message: expect.stringContaining('the store is away'),
      });
    } finally {
      door.controlPlane.down = false;
    }
  });
});

describe('the time of statements', () => {
  const long = 'select count(*) from generate_series(1, 100000000000)';

  it('ends one that runs too long within a second, and the session goes on', async () => {
    const grant = door.grant('shop-admin', { limits: { statementMs: 300 }, policies: [] });
    const client = await connectThrough(door, grant);
    const startedAt = performance.now();
    const error = await failing(client.query(long));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(error).toMatchObject({
      code: '57014',
      message: 'taskgate: cancelled: it ran longer than 300ms, the time that one statement has',
    });
    for (let n = 0; n < 3; n++) expect((await client.query('select $1::int as n', [n])).rows).toEqual([{ n }]);
    await client.query('begin');
    expect(await failing(client.query({ text: long, values: [] }))).toMatchObject({ code: '57014' });
    expect(await failing(client.query('select 1'))).toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('is each message’s own, and what lies between them is not counted', async () => {
    await door.database.query("create function public.nap() returns text language sql as 'select pg_sleep(0.5)::text'");
    const grant = door.grant('shop-admin', { limits: { statementMs: 1_800 }, policies: [] });
    const client = await connectThrough(door, grant);
    for (let n = 0; n < 4; n++) expect((await client.query('select public.nap()')).rowCount).toBe(1);
    await client.end();
  });

  it('of all together is the grant’s duration: what runs then is cancelled, the next is refused', async () => {
    const grant = door.grant('shop-admin', { limits: { durationMs: 1_000 }, policies: [] });
    const client = await connectThrough(door, grant);
    const other = await connectThrough(door, grant);
    const startedAt = performance.now();
    const errors = await Promise.all([failing(client.query(long)), failing(other.query(long))]);
    // Two at once use it up twice as fast.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    for (const error of errors)
      expect(error).toMatchObject({ message: expect.stringContaining('used its 1s of running statements') });
    expect(await failing(client.query('select 1'))).toMatchObject({
      code: '42501',
      message: expect.stringContaining('used its 1s of running statements'),
    });
    await client.end();
    await other.end();
  });
});

describe('a write that passes the budget', () => {
  const count = async (where: string): Promise<number> =>
    (await door.database.query<{ n: number }>(`select count(*)::int as n from public.orders where ${where}`))[0]!.n;
  const limited = (rows: number) => door.grant('shop-admin', { limits: { rows }, policies: [] });

  it('is rolled back where it is sent alone, by the rows that it changed or returned', async () => {
    const grant = limited(10);
    const changed = await psqlThrough(door, grant, "update public.orders set status = 'a1' where id <= 11");
    expect(changed.stderr).toMatch(
      /53400: taskgate: rolled back: it changed 11 rows, and of the grant's 10 rows 10 are left/,
    );
    expect(changed.stdout).toBe('');
    expect(await count("status = 'a1'")).toBe(0);
    const fits = await psqlThrough(door, grant, "update public.orders set status = 'a2' where id <= 4");
    expect(fits).toMatchObject({ stdout: 'UPDATE 4\n', stderr: '' });
    expect(await count("status = 'a2'")).toBe(4);
    const returned = await psqlThrough(
      door,
      grant,
      "update public.orders set status = 'a3' where id <= 20 returning id",
      'select 1',
    );
    expect(returned.stderr).toMatch(/53400: taskgate: rolled back: the grant has used its 10 rows/);
    expect(await count("status = 'a3'")).toBe(0);
    const none = await psqlThrough(door, grant, 'delete from public.orders where id = 1');
    expect(none.stderr).toMatch(/42501.*used its 10 rows/);
  });

  it('is rolled back where a driver binds it, and the session goes on', async () => {
    const client = await connectThrough(door, limited(10));
    const text = 'update public.orders set status = $1 where id <= $2';
    expect(await failing(client.query(text, ['b1', 50]))).toMatchObject({ code: '53400' });
    expect(await count("status = 'b1'")).toBe(0);
    expect((await client.query(text, ['b2', 3])).rowCount).toBe(3);
    const returning = `${text} returning id`;
    expect(await failing(client.query(returning, ['b3', 50]))).toMatchObject({
      code: '53400',
      message: expect.stringContaining('rolled back'),
    });
    expect(await count("status = 'b3'")).toBe(0);
    expect(await count("status = 'b2'")).toBe(3);
    await client.end();
  });

  it.each([false, true])('is counted whole where its rows are asked for in parts; in a block: %s', async (inBlock) => {
    const client = await RawClient.open(door, limited(10));
    if (inBlock) await client.query('begin');
    const text = "update public.orders set status = 'p1' where id <= 50 returning id";
    const { errors } = await client.exchange([
      parse('', text),
      bind('', ''),
      encodeExecute('', 1),
      encodeExecute('', 1),
      encodeSync(),
    ]);
    expect(errors).toMatchObject([{ code: '53400', message: expect.stringContaining('rolled back') }]);
    if (inBlock) await client.query('commit');
    expect(await count("status = 'p1'")).toBe(0);
    client.close();
  });

  it.each([
    ['asked for with a Flush', "update public.orders set status = 'q1' where id <= 50"],
    ['returning rows', "update public.orders set status = 'q1' where id <= 50 returning id"],
  ])('cannot be committed behind its error: %s', async (_what, text) => {
    const client = await RawClient.open(door, limited(10));
    await client.query('begin');
    const told = await client.until('E', parse('', text), bind('', ''), encodeExecute('', 0), encodeFlush());
    expect(told.errors).toMatchObject([{ code: '53400', message: expect.stringContaining('rolled back') }]);
    const commit = [parse('', 'commit'), bind('', ''), encodeExecute('', 0), encodeSync()];
    expect((await client.exchange(commit)).commands).toEqual([]);
    await client.query('commit');
    expect(await count("status = 'q1'")).toBe(0);
    client.close();
  });

  it.each([
    ['together', true],
    ['behind a Flush', false],
  ])('is rolled back behind the end of a block, sent %s', async (_what, together) => {
    const client = await RawClient.open(door, limited(10));
    await client.query('begin');
    const commit = [parse('', 'commit'), bind('', ''), encodeExecute('', 0)];
    const text = "update public.orders set status = 'r1' where id <= 50";
    const write = [parse('', text), bind('', ''), encodeExecute('', 0), encodeSync()];
    if (!together) await client.until('C', ...commit, encodeFlush());
    const { errors } = await client.exchange(together ? [...commit, ...write] : write);
    expect(errors).toMatchObject([{ code: '53400', message: expect.stringContaining('rolled back') }]);
    expect(await count("status = 'r1'")).toBe(0);
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    client.close();
  });

  it('is rolled back with its transaction, of which the client is told', async () => {
    for (const values of [undefined, []]) {
      const client = await connectThrough(door, limited(10));
      const run = (text: string) => client.query({ text, ...(values === undefined ? {} : { values }) });
      await run('begin');
      expect((await run("update public.orders set status = 'c1' where id <= 2")).rowCount).toBe(2);
      expect(await failing(run("update public.orders set status = 'c2' where id <= 50"))).toMatchObject({
        code: '53400',
        message: expect.stringContaining('rolled back'),
      });
      expect(await failing(run('select 1'))).toMatchObject({ code: expect.stringMatching(/25P02|42501/) });
      expect((await run('commit').catch((error: pg.DatabaseError) => error)) instanceof Error).toBe(false);
      expect(await count("status in ('c1', 'c2')")).toBe(0);
      await client.end();
    }
  });

  it('says that it was executed where several statements came in one message', async () => {
    const result = await psqlThrough(
      door,
      limited(10),
      "update public.orders set status = 'd1' where id <= 3; update public.orders set status = 'd2' where id <= 50; select 1",
    );
    expect(result.stderr).toMatch(/53400: taskgate: executed, result withheld: it changed 50 rows/);
    expect(result.stdout).toBe('UPDATE 3\n');
    expect(await count("status = 'd2'")).toBe(50);
  });

  it('is refused where the server would not count its rows, by every way to hide them', async () => {
    const update = "update public.orders set status = 'hidden' where id <= 50";
    const hidden = [
      `with changed as (${update} returning 1) select 1`,
      `with changed as (${update}) delete from public.order_items where false`,
      `with changed as (${update}) insert into public.order_items (id) select 1 where false`,
      `explain analyze ${update}`,
      `explain (analyze, costs off) with changed as (${update}) select 1`,
      `copy (with changed as (${update} returning 1) select 1) to stdout`,
    ];
    for (const text of hidden) {
      const refused = await psqlThrough(door, limited(10), text);
      expect(refused.stderr, text).toMatch(
        /42501: taskgate: this grant may touch 10 rows, and the server does not count/,
      );
    }
    const grant = limited(10);
    const client = await connectThrough(door, grant);
    expect(await failing(client.query({ name: 'p', text: hidden[0]!, values: [] }))).toMatchObject({ code: '42501' });
    await client.query(`prepare hides as ${hidden[0]}`);
    expect(await failing(client.query('execute hides'))).toMatchObject({ code: '42501' });
    await client.end();
    expect(await count("status = 'hidden'")).toBe(0);
    const read = 'with few as (select id from public.orders where id <= 3)';
    const plain = await psqlThrough(
      door,
      grant,
      `${read} update public.orders set status = 'seen' where id in (select id from few)`,
    );
    expect(plain).toMatchObject({ stdout: 'UPDATE 3\n', stderr: '' });
    const free = door.grant('shop-admin', { policies: [] });
    expect((await psqlThrough(door, free, hidden[0]!)).stdout).toBe('1\n');
  });

  it('copies nothing in', async () => {
    const rows = Array.from({ length: 12 }, (_, n) => `${9_000 + n}\t1\tcopied\t1\t2020-01-01`).join('\n');
    const target = (grant: ReturnType<typeof limited>) => [
      '-X',
      '-c',
      'copy public.orders from stdin',
      `host=127.0.0.1 port=${door.port} user=${grant.grant.task.name} dbname=${door.database.name} sslmode=disable`,
    ];
    const tight = limited(10);
    const over = await runCommand(psqlPath(), target(tight), { env: { PGPASSWORD: tight.token }, input: `${rows}\n` });
    expect(over.stderr).toMatch(/rolled back: it changed 12 rows/);
    expect(await count('id >= 9000')).toBe(0);
    const wide = limited(12);
    const fits = await runCommand(psqlPath(), target(wide), { env: { PGPASSWORD: wide.token }, input: `${rows}\n` });
    expect(fits.stdout).toBe('COPY 12\n');
    expect(await count('id >= 9000')).toBe(12);
  });

  it('is told its own error as ever', async () => {
    const result = await psqlThrough(
      door,
      limited(10),
      'update public.orders set total_cents = 1 / 0 where id = 1',
      "insert into public.orders values (1, 1, 'twice', 1)",
      'select 1',
    );
    expect(result.stderr).toMatch(/22012: division by zero/);
    const repeated = await psqlThrough(door, limited(10), "insert into public.orders values (1, 1, 'twice', 1)");
    expect(repeated.stderr).toMatch(/23505/);
  });
});
