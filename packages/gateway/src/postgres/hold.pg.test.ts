import net from 'node:net';
import { waitUntil } from '@taskgate/testkit';
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

const heldNow = (matching: string) =>
  waitUntil(
    () =>
      door.controlPlane.holds.find((hold) => hold.statement.includes(matching) && hold.state.state === 'waiting') ??
      null,
  );
const statusOf = async (id: number) =>
  (await door.database.query<{ status: string }>('select status from public.orders where id = $1', [id]))[0]!.status;
const approve = (holdId: string) =>
  door.controlPlane.decideHold(holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });

describe('a held statement', () => {
  it('waits with a notice and the link, and runs once it is approved', async () => {
    const running = psqlThrough(
      door,
      door.grant('fix-order-status'),
      "update public.orders set status = 'paid' where id = 1",
    );
    const hold = await heldNow('where id = 1');
    expect(await statusOf(1)).toBe('open');
    expect(hold.approvals.from).toEqual(['dba']);
    approve(hold.holdId);
    const result = await running;
    expect(result.stderr).toMatch(/NOTICE: .*held for approval by dba/);
    expect(result.stderr).toContain(hold.holdId);
    expect(result.stdout.trim()).toBe('UPDATE 1');
    expect(await statusOf(1)).toBe('paid');
  });

  it('runs with its approval where another task was published meanwhile', async () => {
    const running = psqlThrough(
      door,
      door.grant('fix-order-status'),
      "update public.orders set status = 'paid' where id = 2",
    );
    const hold = await heldNow('where id = 2');
    door.controlPlane.emit({ kind: 'policy-changed' });
    approve(hold.holdId);
    expect((await running).stdout.trim()).toBe('UPDATE 1');
  });

  it('shows the reviewer the exact parameters, bound by the extended protocol', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    const running = client.query('update public.orders set status = $1 where id = $2', ['sent', 2]);
    const hold = await heldNow('where id = $2');
    expect(hold.parameters).toEqual(['sent', '2']);
    approve(hold.holdId);
    expect((await running).rowCount).toBe(1);
    expect(await statusOf(2)).toBe('sent');
    await client.end();
  });

  it('is refused with the reviewer’s words, and the session goes on', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    const running = client
      .query("update public.orders set status = 'gone' where id = 3")
      .catch((error: pg.DatabaseError) => error);
    const hold = await heldNow('where id = 3');
    door.controlPlane.decideHold(hold.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: 'wrong order' });
    expect(await running).toMatchObject({ code: '42501', message: expect.stringContaining('wrong order') });
    expect((await client.query('select status from public.orders where id = 3')).rows).toEqual([{ status: 'open' }]);
    await client.end();
  });

  it('is taken back by a cancel request', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    const running = client
      .query("update public.orders set status = 'gone' where id = 4")
      .catch((error: pg.DatabaseError) => error);
    const hold = await heldNow('where id = 4');
    // As psql does on Ctrl-C: a connection of its own with the key of the first.
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const packet = Buffer.alloc(16);
    packet.writeInt32BE(16, 0);
    packet.writeInt32BE(80877102, 4);
    packet.writeInt32BE(processID, 8);
    packet.writeInt32BE(secretKey, 12);
    net.connect(door.port, '127.0.0.1').end(packet);
    expect(await running).toMatchObject({ code: '57014' });
    expect(hold.state.state).toBe('cancelled');
    expect(await statusOf(4)).toBe('open');
    await client.end();
  });

  it('is taken back when its client goes away', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    client.query("update public.orders set status = 'gone' where id = 5").catch(() => undefined);
    const hold = await heldNow('where id = 5');
    (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy();
    await waitUntil(() => hold.state.state === 'cancelled');
    expect(await statusOf(5)).toBe('open');
    // The record says that it was taken back, not that nobody knows.
    const outcomes = () =>
      door.controlPlane.batches
        .filter(({ sessionId }) => sessionId === hold.sessionId)
        .flatMap(({ batch }) => batch.outcomes.map(({ outcome }) => outcome));
    await waitUntil(() => outcomes().length > 0);
    expect(outcomes()).toEqual(['cancelled']);
  });

  it('sends nothing of its batch to the target while it waits', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    await client.query('begin');
    const before = await door.database.query<{ n: number }>(
      "select count(*)::int as n from pg_locks where mode = 'RowExclusiveLock'",
    );
    const running = client.query('update public.orders set status = $1 where id = $2', ['kept', 6]);
    const hold = await heldNow('where id = $2');
    const during = await door.database.query<{ n: number }>(
      "select count(*)::int as n from pg_locks where mode = 'RowExclusiveLock'",
    );
    expect(during).toEqual(before);
    approve(hold.holdId);
    await running;
    await client.query('rollback');
    expect(await statusOf(6)).toBe('open');
    await client.end();
  });
});

describe('a write with an affects limit', () => {
  it('is rolled back where it touched more rows, by the simple protocol', async () => {
    const running = psqlThrough(
      door,
      door.grant('fix-order-status'),
      "update public.orders set status = 'all' where id between 10 and 19",
    );
    approve((await heldNow('between 10 and 19')).holdId);
    const result = await running;
    expect(result.stderr).toMatch(/42501.*touched 10 rows/);
    expect(await statusOf(10)).toBe('open');
  });

  it('is rolled back by the extended protocol, and aborts the transaction it is in', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    await client.query('begin');
    const running = client
      .query('update public.orders set status = $1 where id between 20 and 29', ['all'])
      .catch((error: pg.DatabaseError) => error);
    approve((await heldNow('between 20 and 29')).holdId);
    expect(await running).toMatchObject({ code: '42501' });
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('commit');
    expect(await statusOf(20)).toBe('open');
    await client.end();
  });

  it('commits within its limit and returns its rows', async () => {
    const client = await connectThrough(door, door.grant('fix-order-status'));
    const running = client.query("update public.orders set status = 'one' where id = 30 returning id, status");
    approve((await heldNow('id = 30')).holdId);
    expect((await running).rows).toEqual([{ id: 30, status: 'one' }]);
    expect(await statusOf(30)).toBe('one');
    expect((await client.query('select 1 as ok')).rows).toEqual([{ ok: 1 }]);
    await client.end();
  });

  it('is refused, and never shown to the target, in whatever form would hide how many rows it touches', async () => {
    const update = "update public.orders set status = 'hidden' where id between 40 and 49";
    const grant = door.grant('shop-admin', {
      policies: [],
      source: `kind: Task
name: count
purpose: p
resource: demo-shop
who: { groups: [support] }
allow:
  - select: '*'
  - update: public.orders
    affects: { max: 1 }`,
    });
    const client = await connectThrough(door, grant);
    for (const text of [
      `with changed as (${update} returning 1) select 1`,
      `with changed as (${update} returning id) select count(*) from changed`,
      `with changed as (${update}) update public.orders set status = 'hidden' where id = 1`,
      `explain analyze ${update}`,
      `explain (analyze, format json) with changed as (${update}) select 1`,
      `copy (${update} returning 1) to stdout`,
      `copy (with changed as (${update}) select 1) to stdout`,
      `prepare hides as with changed as (${update}) select 1`,
    ]) {
      for (const query of [text, { text, values: [] }])
        await expect(client.query(query), text).rejects.toMatchObject({
          code: '42501',
          message: expect.stringContaining('does not count the rows'),
        });
    }
    await expect(client.query(`prepare hides as ${update}`)).rejects.toMatchObject({ code: '42501' });
    await client.end();
    expect(await statusOf(40)).toBe('open');
  });
});
