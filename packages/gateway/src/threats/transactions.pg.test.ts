import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EveryWay, WAYS } from '../testing/every-way.ts';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';

let door: ThreatDoor;
let before: string;
beforeAll(async () => {
  door = await openThreatDoor();
  before = await door.fingerprint();
});
afterAll(async () => {
  await door.close();
});

describe('P22 a statement without an end', () => {
  it.each(WAYS)('P22 is taken back by its client, sent as %s, and the session goes on', async (way) => {
    const ways = await EveryWay.open(door, door.grant('sales-report'));
    const text = `select count(*) as "${way}" from generate_series(1, 100000000000)`;
    const running = ways.send(way, text);
    await waitUntil(async () => {
      const rows = await door.database.query("select 1 from pg_stat_activity where query = $1 and state = 'active'", [
        text,
      ]);
      return rows.length === 1;
    });
    await ways.cancel(way);
    const { errors, rows } = await running;
    expect([errors[0]?.code, errors[0]?.message, rows]).toEqual([
      '57014',
      'canceling statement due to user request',
      [],
    ]);
    await ways.goOn();
    await waitUntil(async () =>
      (await door.recorded()).some(({ statement, outcome }) => statement === text && outcome === 'cancelled'),
    );
    ways.close();
  });
});

describe('P23 a held write in a transaction', () => {
  it.each(WAYS)(
    'P23 is approved and then rolled back, sent as %s: nothing stays, and both are recorded',
    async (way) => {
      const ways = await EveryWay.open(door, door.grant('fix-order-status'));
      const id = 30 + WAYS.indexOf(way);
      const text = `update public.orders set status = 'approved' where id = ${id}`;
      expect((await ways.send(way, 'begin')).status).toBe('T');
      expect((await ways.send(way, 'savepoint one')).errors).toEqual([]);
      const held = ways.send(way, text);
      await door.approve(`where id = ${id}`);
      expect((await held).commands).toEqual(['UPDATE 1']);
      // What it touched is the session's own until it commits.
      expect(await door.fingerprint()).toBe(before);
      expect((await ways.send(way, 'rollback')).status).toBe('I');
      expect(await door.fingerprint()).toBe(before);
      await waitUntil(async () => {
        const recorded = await door.recorded();
        const via = way.startsWith('extended') ? 'extended' : way;
        return (
          recorded.some(
            ({ statement, decision, outcome }) => statement === text && decision === 'hold' && outcome === 'done',
          ) && recorded.some((entry) => entry.statement === 'rollback' && entry.via === via && entry.outcome === 'done')
        );
      });
      ways.close();
    },
  );

  it.each(WAYS)('P23 that is refused leaves the transaction failed, sent as %s, as the target has it', async (way) => {
    const ways = await EveryWay.open(door, door.grant('fix-order-status'));
    const id = 40 + WAYS.indexOf(way);
    await ways.send(way, 'begin');
    const held = ways.send(way, `update public.orders set status = 'refused' where id = ${id}`);
    const hold = await waitUntil(
      () => door.controlPlane.holds.find(({ statement }) => statement.includes(`where id = ${id}`)) ?? null,
    );
    door.controlPlane.decideHold(hold.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    expect((await held).status).toBe('E');
    expect((await ways.send(way, 'select 1')).errors[0]).toMatchObject({
      code: '25P02',
      message: 'current transaction is aborted, commands ignored until end of transaction block',
    });
    expect((await ways.send(way, 'commit')).commands).toEqual(['ROLLBACK']);
    expect(await door.fingerprint()).toBe(before);
    ways.close();
  });
});
