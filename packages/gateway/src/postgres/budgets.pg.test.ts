import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough, psqlThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';

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
    const grant = door.grant('shop-admin', { limits: { statementMs: 1_000 }, policies: [] });
    const some = 'select count(*) from generate_series(1, 1500000)';
    const result = await psqlThrough(door, grant, ...Array.from({ length: 8 }, () => some));
    expect(result.stderr).toBe('');
    expect(result.stdout.trim().split('\n')).toEqual(Array.from({ length: 8 }, () => '1500000'));
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
