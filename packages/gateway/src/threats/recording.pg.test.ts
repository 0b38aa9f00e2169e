import fs from 'node:fs';
import { encodeExecute, encodeQuery, encodeSync } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse } from '../testing/raw-client.ts';

let door: ThreatDoor;
beforeAll(async () => {
  door = await openThreatDoor();
});
afterAll(async () => {
  await door.close();
});

const outcomeOf = async (matching: string) =>
  (await door.recorded()).filter(({ statement }) => statement.includes(matching)).map(({ outcome }) => outcome);

describe('1.8 nothing runs beside the record', () => {
  it('each of many ways to run one statement is one record', async () => {
    const client = await door.raw(door.grant('sales-report'));
    await client.query("select 'way 1'");
    await client.extended("select 'way 2'");
    await client.query("prepare w as select 'way 3'");
    await client.exchange([bind('', 'w'), encodeExecute('', 0), bind('', 'w'), encodeExecute('', 0), encodeSync()]);
    await client.query("begin; declare c cursor for select 'way 4'");
    await client.exchange([encodeExecute('c', 0), encodeSync()]);
    await client.query('rollback');
    await waitUntil(async () => (await door.recorded()).some(({ statement }) => statement === 'rollback'));
    await waitUntil(async () => !(await door.recorded()).some(({ outcome }) => outcome === 'unknown'));
    expect(await outcomeOf("select 'way 1'")).toEqual(['done']);
    expect(await outcomeOf("select 'way 2'")).toEqual(['done']);
    expect((await outcomeOf("select 'way 3'")).length).toBe(3);
    expect((await outcomeOf("select 'way 4'")).length).toBe(2);
    client.close();
  });

  it('what a batch skipped is not said to have run', async () => {
    const client = await door.raw(door.grant('sales-report'));
    await client.exchange([
      parse('', 'select 1 / (length(current_user) * 0) as broken'),
      bind('', ''),
      encodeExecute('', 0),
      parse('k', "select 'skipped'"),
      bind('', 'k'),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    await waitUntil(async () => (await outcomeOf('broken'))[0] === 'error');
    expect(await outcomeOf("select 'skipped'")).toEqual(['skipped']);
    client.close();
  });

  it('a client that drops its connection behind a statement leaves its record, or nothing ran', async () => {
    const client = await door.raw(door.grant('shop-admin'));
    client.send(encodeQuery("insert into public.order_items (id, sku) values (1, 'dropped')"));
    client.socket.end();
    await waitUntil(() => door.ports.live.count === 0);
    const ran = await door.database.query("select 1 from public.order_items where sku = 'dropped'");
    if (ran.length > 0) expect(await outcomeOf("'dropped'")).toHaveLength(1);
    client.close();
  });

  it('a recording that cannot be written lets nothing run', async () => {
    const client = await door.raw(door.grant('shop-admin'));
    const { writeSync } = fs;
    fs.writeSync = (() => {
      throw new Error('ENOSPC: no space left on device');
    }) as typeof fs.writeSync;
    try {
      const answer = await client.query("insert into public.order_items (id, sku) values (2, 'unrecorded')");
      expect(answer.errors[0]?.code).toBe('57P03');
    } finally {
      fs.writeSync = writeSync;
    }
    expect(await door.database.query("select 1 from public.order_items where sku = 'unrecorded'")).toEqual([]);
    await waitUntil(() => client.closed);
  });

  it('the store that is away lets nobody in', async () => {
    door.controlPlane.down = true;
    await expect(door.raw(door.grant('sales-report'))).rejects.toThrow();
    door.controlPlane.down = false;
  });
});
