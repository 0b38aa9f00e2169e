import { encodeExecute, encodeQuery, encodeSync } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENDLESS_TEXT } from '../testing/costly-texts.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';

let door: TestDoor;
/** Whose analysis gives up soon. */
let hasty: TestDoor;
/** Where one text at a time may wait for its analysis. */
let narrow: TestDoor;
beforeAll(async () => {
  [door, hasty, narrow] = await Promise.all([
    openTestDoor({ analysis: { deadlineMs: 60_000 } }),
    openTestDoor({ analysis: { deadlineMs: 3_000 } }),
    openTestDoor({ analysis: { workers: 1, waiting: 1, deadlineMs: 60_000 } }),
  ]);
});
afterAll(async () => {
  await Promise.all([door.close(), hasty.close(), narrow.close()]);
});

describe('a statement near the limits', () => {
  it('is analysed without holding up other sessions, and refused where it takes too long', async () => {
    // Under a policy: where nothing is taken away, what cannot be analysed runs.
    const grant = hasty.grant('shop-admin');
    const [large, other] = await Promise.all([RawClient.open(hasty, grant), RawClient.open(hasty, grant)]);
    let over = false;
    const refused = large.query(ENDLESS_TEXT).finally(() => {
      over = true;
    });
    for (let round = 0; round < 20; round++)
      expect((await other.query(`select ${round}`)).rows).toEqual([[`${round}`]]);
    // Done while the large one was still at it: its analysis runs to its deadline of 3 s.
    expect(over).toBe(false);
    const answer = await refused;
    expect(answer).toMatchObject({ status: 'I', errors: [{ code: '42501' }] });
    expect(answer.errors[0]!.message).toContain('longer than 3 s to analyse');
    expect((await large.query('select 1')).rows).toEqual([['1']]);
    large.close();
    other.close();
  });

  it.each([
    ['a list of 20,000 numbers', `select count(*) from public.orders where id in (${'1,'.repeat(20_000)}1)`, '1'],
    ['a literal of a megabyte', `select length('${'x'.repeat(1_000_000)}')`, '1000000'],
    ['two thousand conditions', `select count(*) from public.orders where ${'id = 1 or '.repeat(2_000)}false`, '1'],
    ['a hundred queries in each other', `select ${'(select '.repeat(100)}1${')'.repeat(100)}`, '1'],
  ])('runs on both protocols: %s', async (_name, text, expected) => {
    const client = await RawClient.open(door, door.grant('shop-admin', { policies: [] }));
    expect((await client.query(text)).rows).toEqual([[expected]]);
    expect((await client.extended(text)).rows).toEqual([[expected]]);
    client.close();
  });

  it('is analysed once: where one text may wait at a time, a session alone never meets another', async () => {
    const client = await RawClient.open(narrow, narrow.grant('shop-admin'));
    const text = `select count(*) from public.orders where id in (${'1,'.repeat(5_000)}1)`;
    expect(await client.query(text)).toMatchObject({ errors: [], rows: [['1']] });
    expect(await client.extended(text.replace('count(*)', 'count(id)'))).toMatchObject({ errors: [], rows: [['1']] });
    client.close();
  });

  it('prepared once is decided again, by name on both protocols, when policies have changed', async () => {
    const grant = door.grant('shop-admin');
    const client = await RawClient.open(door, grant);
    const text = `select count(*) from public.orders where id in (${'1,'.repeat(5_000)}1)`;
    await client.exchange([parse('big', text), encodeSync()]);
    const execute = [bind('', 'big'), encodeExecute('', 0), encodeSync()];
    expect((await client.exchange(execute)).rows).toEqual([['1']]);
    // Another revision of the task, which allows something else.
    const narrowed = door.grant('sales-report', { policies: [] }).grant;
    Object.assign(grant.grant, { task: narrowed.task });
    door.controlPlane.emit({ kind: 'policy-changed' });
    expect((await client.exchange(execute)).letters).toContain('D');
    const denied = door.grant('sales-report', {
      source: SELECTS_ONE_COLUMN,
    }).grant;
    Object.assign(grant.grant, { task: denied.task });
    door.controlPlane.emit({ kind: 'policy-changed' });
    expect((await client.exchange(execute)).errors).toMatchObject([{ code: '42501' }]);
    expect((await client.query('execute big')).errors).toMatchObject([{ code: '42501' }]);
    client.close();
  });

  it('that its client did not wait for has not run, and its record says so', async () => {
    const grant = door.grant('shop-admin', { policies: [] });
    const client = await RawClient.open(door, grant);
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    const values = Array.from({ length: 5_000 }, (_, index) => `(${index + 10_000}, 'left')`).join();
    client.send(encodeQuery(`insert into public.orders (id, status) values ${values}`));
    client.socket.end();
    const batches = () =>
      door.controlPlane.batches.filter((entry) => entry.sessionId === sessionId).map(({ batch }) => batch);
    await waitUntil(() => batches().at(-1)?.end);
    expect(batches().flatMap(({ outcomes }) => outcomes.map(({ outcome }) => outcome))).toEqual(['skipped']);
    expect(await door.database.query(`select 1 from public.orders where status = 'left'`)).toEqual([]);
  });
});

const SELECTS_ONE_COLUMN = `kind: Task
name: sales-report
purpose: Reads one column of one table
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.customers
    columns: [id]
`;
