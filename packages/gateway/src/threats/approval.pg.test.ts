import {
  encodeCancelRequest,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeQuery,
  encodeSync,
} from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let before: string;
beforeAll(async () => {
  door = await openThreatDoor();
  before = await door.fingerprint();
});
afterAll(async () => {
  await door.close();
});

const support = (): Promise<RawClient> => door.raw(door.grant('fix-order-status'));
const waiting = (matching: string) =>
  waitUntil(
    () =>
      door.controlPlane.holds.find(
        ({ statement, state }) => statement.includes(matching) && state.state === 'waiting',
      ) ?? null,
  );
const restore = () => door.database.query("update public.orders set status = 'open' where status <> 'open'");

describe('a write that needs approval runs in no other form', () => {
  it.each([
    ['P3', "with u as (update public.orders set status = 'x' returning id) select id from u"],
    ['P5', "insert into public.orders (id, status) values (1, 'x') on conflict (id) do update set status = 'x'"],
    ['P8', "explain analyze update public.orders set status = 'x'"],
    ['P16', "prepare u as update public.orders set status = 'x'"],
    ['P17', "declare c cursor for update public.orders set status = 'x' returning id"],
    ['P6', "copy (update public.orders set status = 'x' returning id) to stdout"],
    ['P9', "do $$ begin update public.orders set status = 'x'; end $$"],
    ['P1', "select 1; update public.orders set status = 'x' where id = 1"],
    ['P1', "begin; update public.orders set status = 'x' where id = 1; commit"],
    ['1.8', 'update public.orders set total_cents = 0 where id = 1'],
    ['1.8', "update public.orders set status = 'x', total_cents = 0 where id = 1"],
    ['1.8', 'update public.orders set (status, total_cents) = (1, 2) where id = 1'],
    ['1.8', "update public.customers set name = 'x' where id = 1"],
    ['1.8', 'update public.orders set status = (select email from public.customers limit 1) where id = 1'],
    ['1.8', 'update public.orders set status = (select ssn from public.customers limit 1) where id = 1'],
    ['1.8', 'delete from public.orders where id = 1'],
  ])('%s %s', async (_id, text) => {
    const client = await support();
    const holds = door.controlPlane.holds.length;
    for (const answer of [await client.query(text), await client.extended(text)])
      expect(answer.errors, text).toHaveLength(1);
    expect(door.controlPlane.holds).toHaveLength(holds);
    expect(await door.fingerprint()).toBe(before);
    door.expectNoLeak();
    client.close();
  });
});

describe('1.8 an approval is for one statement with its parameters, once', () => {
  it('a second execute of the same portal waits for an approval of its own', async () => {
    const client = await support();
    await client.exchange([parse('u', 'update public.orders set status = $1 where id = $2'), encodeSync()]);
    const first = client.exchange([bind('', 'u', ['one', '50']), encodeExecute('', 0), encodeSync()]);
    await door.approve('where id = $2');
    expect((await first).commands).toEqual(['UPDATE 1']);
    client.send(bind('', 'u', ['two', '51']), encodeExecute('', 0), encodeSync());
    const second = await waiting('where id = $2');
    expect(second.parameters).toEqual(['two', '51']);
    door.controlPlane.decideHold(second.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    await client.until('Z');
    const rows = await door.database.query('select id, status from public.orders where id in (50, 51) order by id');
    expect(rows).toEqual([
      { id: 50, status: 'one' },
      { id: 51, status: 'open' },
    ]);
    await restore();
    client.close();
  });

  it('two executes in one batch are two questions, and nothing of the batch runs before its answer', async () => {
    const client = await support();
    client.send(
      parse('', "update public.orders set status = 'twice' where id = 52"),
      bind('', ''),
      encodeExecute('', 0),
      encodeExecute('', 0),
      encodeSync(),
    );
    await door.approve('where id = 52');
    const second = await waiting('where id = 52');
    door.controlPlane.decideHold(second.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    const answer = await client.until('Z');
    expect(answer.errors).toHaveLength(1);
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('what the client sends while it waits changes nothing of what was approved', async () => {
    const client = await support();
    client.send(
      parse('', 'update public.orders set status = $1 where id = $2'),
      bind('', '', ['asked', '53']),
      encodeExecute('', 0),
      encodeSync(),
    );
    const hold = await waiting('where id = $2');
    client.send(bind('', '', ['other', '54']), parse('', 'select 1'), encodeSync());
    door.controlPlane.decideHold(hold.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    await waitUntil(
      async () => (await door.database.query("select 1 from public.orders where status = 'asked'")).length === 1,
    );
    const rows = await door.database.query("select id, status from public.orders where status <> 'open'");
    expect(rows).toEqual([{ id: 53, status: 'asked' }]);
    await restore();
    client.close();
  });

  it('an approval is not good for another session of the same grant', async () => {
    const grant = door.grant('fix-order-status');
    const [one, two] = [await door.raw(grant), await door.raw(grant)];
    const text = "update public.orders set status = 'shared' where id = 55";
    one.send(encodeQuery(text));
    const first = await waiting('where id = 55');
    two.send(encodeQuery(text));
    await waitUntil(() => door.controlPlane.holds.filter(({ statement }) => statement === text).length === 2);
    door.controlPlane.decideHold(first.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    expect((await one.until('Z')).commands).toEqual(['UPDATE 1']);
    const second = await waiting('where id = 55');
    door.controlPlane.decideHold(second.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    expect((await two.until('Z')).errors[0]?.code).toBe('42501');
    await restore();
    one.close();
    two.close();
  });

  it('an approval is worthless where it cannot be known whether a policy changed', async () => {
    const client = await support();
    client.send(encodeQuery("update public.orders set status = 'late' where id = 56"));
    const hold = await waiting('where id = 56');
    door.controlPlane.emit({ kind: 'policy-changed' });
    const openGrant = door.controlPlane.openGrant;
    door.controlPlane.openGrant = () => Promise.reject(new Error('the store is broken'));
    door.controlPlane.decideHold(hold.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    expect((await client.until('Z')).errors[0]?.message).toMatch(/changed meanwhile/);
    door.controlPlane.openGrant = openGrant;
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('a changed policy makes the approval worthless', async () => {
    const grant = door.grant('fix-order-status');
    const client = await door.raw(grant);
    client.send(encodeQuery("update public.orders set status = 'late' where id = 56"));
    const hold = await waiting('where id = 56');
    const policies = grant.grant.policies.map((policy) => ({ ...policy, revision: policy.revision + 1 }));
    Object.assign(grant.grant, { policies });
    door.controlPlane.emit({ kind: 'policy-changed' } as Parameters<typeof door.controlPlane.emit>[0]);
    door.controlPlane.decideHold(hold.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    expect((await client.until('Z')).errors[0]?.message).toMatch(/changed meanwhile/);
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('an approval that comes after the end of the grant runs nothing', async () => {
    const grant = door.grant('fix-order-status');
    const client = await door.raw(grant);
    client.send(encodeQuery("update public.orders set status = 'late' where id = 57"));
    const hold = await waiting('where id = 57');
    door.controlPlane.endGrant(grant, 'revoked');
    door.controlPlane.decideHold(hold.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    await waitUntil(() => client.closed);
    expect(await door.fingerprint()).toBe(before);
  });
});

describe('a limit of rows that a write may touch', () => {
  const wide = (tail = '') => `update public.orders set status = 'wide' where id between 60 and 69${tail}`;

  it('holds where the rows are fetched in parts', async () => {
    const client = await support();
    client.send(parse('', wide(' returning id')), bind('', ''), encodeExecute('', 1), encodeSync());
    await door.approve('between 60 and 69');
    const answer = await client.until('Z');
    expect(answer.errors[0]?.message).toMatch(/touched 10 rows/);
    expect(answer.rows).toEqual([]);
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('P5 holds for a merge', async () => {
    const client = await support();
    client.send(
      encodeQuery(
        "merge into public.orders o using (select 1) s on o.id between 60 and 69 when matched then update set status = 'wide'",
      ),
    );
    await door.approve('between 60 and 69');
    expect((await client.until('Z')).errors[0]?.message).toMatch(/touched 10 rows/);
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('holds with a flush in place of a sync, and a client that goes away then', async () => {
    const client = await support();
    client.send(parse('', wide()), bind('', ''), encodeExecute('', 0), encodeFlush());
    await door.approve('between 60 and 69');
    expect((await client.until('E')).errors).toHaveLength(1);
    client.close();
    expect(await door.fingerprint()).toBe(before);
  });

  it('holds in a transaction, with savepoints around it', async () => {
    const client = await support();
    await client.query('begin; savepoint s');
    client.send(encodeQuery(wide()));
    await door.approve('between 60 and 69');
    expect((await client.until('Z')).errors).toHaveLength(1);
    await client.query('rollback to s');
    await client.query('commit');
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });

  it('holds behind messages that ask for descriptions of everything', async () => {
    const client = await support();
    client.send(
      parse('', wide(' returning id')),
      encodeDescribe('statement', ''),
      bind('', ''),
      encodeDescribe('portal', ''),
      encodeExecute('', 3),
      encodeExecute('', 3),
      encodeSync(),
    );
    await door.approve('between 60 and 69');
    const answer = await client.until('Z');
    expect(answer.errors).toHaveLength(1);
    expect(answer.rows).toEqual([]);
    expect(await door.fingerprint()).toBe(before);
    client.close();
  });
});

describe('W18 cancel keys', () => {
  it('a wrong secret, a wrong process and another session’s key cancel nothing', async () => {
    const client = await support();
    const other = await support();
    client.send(encodeQuery("update public.orders set status = 'x' where id = 70"));
    const hold = await waiting('where id = 70');
    const { processId, secret } = client.key!;
    const wrong = secret.slice();
    wrong[0] = wrong[0]! ^ 1;
    for (const packet of [
      encodeCancelRequest(processId, wrong),
      encodeCancelRequest(processId + 1, secret),
      encodeCancelRequest(other.key!.processId, other.key!.secret),
      encodeCancelRequest(processId, new Uint8Array(256)),
    ]) {
      const canceller = new RawClient(door.port);
      canceller.send(packet);
      await waitUntil(() => canceller.closed);
      expect(canceller.takeReceived()).toHaveLength(0);
    }
    expect(hold.state.state).toBe('waiting');
    door.controlPlane.decideHold(hold.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    await client.until('Z');
    client.close();
    other.close();
  });

  it('the target’s own key is never shown', async () => {
    const client = await support();
    const [row] = await door.database.query<{ n: number }>(
      'select count(*)::int as n from pg_stat_activity where pid = $1',
      [client.key!.processId],
    );
    expect(row!.n).toBe(0);
    client.close();
  });
});
