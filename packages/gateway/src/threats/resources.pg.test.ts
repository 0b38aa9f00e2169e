import { encodeCopyData, encodeExecute, encodeQuery, encodeSync } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, type RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let other: RawClient;
beforeAll(async () => {
  door = await openThreatDoor();
  other = await door.raw(door.grant('sales-report'));
});
afterAll(async () => {
  await door.close();
});

const reader = (): Promise<RawClient> => door.raw(door.grant('sales-report'));
const othersAreServed = async () => expect((await other.query('select 1')).rows).toEqual([['1']]);

describe('one session cannot harm the others', () => {
  it.each([
    ['nested parentheses', `select ${'('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['nested subselects', `${'select (select '.repeat(300)}1${')'.repeat(300)}`],
    ['a long chain of operators', `select 1${' + 1'.repeat(50_000)}`],
    ['a list of many elements', `select 1 where 1 in (${'1,'.repeat(300_000)}1)`],
    ['many statements', 'select 1;'.repeat(5_000)],
    ['many CTEs', `with ${Array.from({ length: 3_000 }, (_, i) => `a${i} as (select 1)`).join(',')} select 1`],
    [
      'doubling CTEs',
      `with a0 as (select 1 as x), ${Array.from({ length: 60 }, (_, i) => `a${i + 1} as (select x from a${i} union all select x from a${i})`).join(',')} select count(*) from a60 where false`,
    ],
    [
      'stars of stars',
      `with a0 as (select * from public.orders), ${Array.from({ length: 20 }, (_, i) => `a${i + 1} as (select p.*, q.* from a${i} p cross join a${i} q)`).join(',')} select 1`,
    ],
    ['a long identifier', `select "${'x'.repeat(500_000)}"`],
    ['a long literal', `select '${'x'.repeat(900_000)}' is null`],
    ['unclosed comments', '/*'.repeat(200_000)],
    ['nested comments', `${'/*'.repeat(100_000)}${'*/'.repeat(100_000)} select 1`],
    ['a dollar quote that never ends', `select $a$${'x'.repeat(500_000)}`],
    ['casts of casts', `select 1${'::int'.repeat(20_000)}`],
    ['not not not', `select ${'not '.repeat(50_000)} true`],
    ['arrays of arrays', `select ${'array['.repeat(2_000)}1${']'.repeat(2_000)}`],
    ['case within case', `select ${'case when true then '.repeat(2_000)}1${' end'.repeat(2_000)}`],
    ['joins', `select 1 from ${Array.from({ length: 500 }, (_, i) => `public.orders o${i}`).join(',')} where false`],
  ])('%s', async (_what, text) => {
    const client = await reader();
    const started = performance.now();
    client.send(encodeQuery(text));
    await othersAreServed();
    // Not a measure of speed: a second of one session's parsing is a second of everybody's.
    expect(performance.now() - started).toBeLessThan(5_000);
    await client.until('EZ');
    client.close();
  });

  it('W19 a statement above the limit ends its session with a reason', async () => {
    const client = await reader();
    client.send(encodeQuery(`select '${'x'.repeat(1_100_000)}'`));
    const answer = await client.until('E');
    expect(answer.errors[0]?.message).toMatch(/bytes|large|long/);
    await othersAreServed();
  });

  it('a large bind comes through in pieces, whatever it waits for', async () => {
    const client = await reader();
    const value = 'y'.repeat(3 * 1024 * 1024);
    client.send(parse('', 'select length($1::text)'), bind('', '', [value]));
    // The rest only once the large message has surely been read.
    await othersAreServed();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const answer = client.exchange([encodeExecute('', 0), encodeSync()]);
    expect((await answer).rows).toEqual([[String(value.length)]]);
    client.close();
  });

  it('hundreds of thousands of tiny messages, while a hold waits', async () => {
    const client = await door.raw(door.grant('fix-order-status'));
    client.send(encodeQuery("update public.orders set status = 'x' where id = 1"));
    const hold = await waitUntil(() => door.controlPlane.holds.find(({ state }) => state.state === 'waiting') ?? null);
    const data = encodeCopyData(new Uint8Array(0));
    client.send(Buffer.concat(Array(400_000).fill(data) as Uint8Array[]));
    await othersAreServed();
    const started = performance.now();
    door.controlPlane.decideHold(hold.holdId, { state: 'refused', by: ['reviewer@demo.test'], comment: null });
    await client.until('Z');
    await othersAreServed();
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    expect(performance.now() - started).toBeLessThan(10_000);
    client.close();
  });

  it('a reader that does not read costs no memory, and ends with its grant', async () => {
    const grant = door.grant('sales-report');
    const client = await door.raw(grant);
    client.socket.pause();
    client.send(encodeQuery("select repeat('x', 1000) from generate_series(1, 200000)"));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await othersAreServed();
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(150 * 1024 * 1024);
    door.controlPlane.endGrant(grant, 'revoked');
    await waitUntil(async () => {
      const rows = await door.database.query("select 1 from pg_stat_activity where query like 'select repeat(''x''%'");
      return rows.length === 0;
    });
    client.close();
  });

  it('half-open and dropped connections leave no session and no backend behind', async () => {
    const sessions = door.ports.live.count;
    for (let n = 0; n < 5; n++) {
      const client = await reader();
      client.send(encodeQuery('select count(*) from generate_series(1, 100000000000)'));
      client.socket.resetAndDestroy();
    }
    await waitUntil(() => door.ports.live.count <= sessions);
    await waitUntil(async () => {
      const rows = await door.database.query(
        "select 1 from pg_stat_activity where query like '%100000000000%' and pid <> pg_backend_pid()",
      );
      return rows.length === 0;
    });
  });

  it('names are bounded in number', async () => {
    const client = await reader();
    const many = Array.from({ length: 3_000 }, (_, i) => parse(`n${i}`, 'select 1'));
    await client.exchange([...many, encodeSync()]);
    await othersAreServed();
    client.close();
  });

  it('a row larger than the gate takes ends that session only', async () => {
    const client = await reader();
    client.send(encodeQuery("select repeat('x', 70000000)"));
    await client.until('E');
    await othersAreServed();
  });
});
