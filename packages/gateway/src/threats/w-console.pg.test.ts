import { waitUntil } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConsoleProbe } from '../testing/console-probe.ts';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';

let door: ThreatDoor;
beforeAll(async () => {
  door = await openThreatDoor();
});
afterAll(async () => {
  await door.close();
});
afterEach(() => door.expectNoLeak());

const MAILS = 'select email from public.customers order by id limit 3';
const MASKED = 'k***@example.com';
const reader = (): Promise<ConsoleProbe> => door.console(door.grant('sales-report'));

describe('what a browser can send', () => {
  it('W8 a result that is cut at so many rows is masked, and the next one is its own', async () => {
    const console = await reader();
    console.send({ type: 'run', id: 1, sql: MAILS, maxRows: 2 });
    const events = await console.until('done');
    expect(events.flatMap((event) => (event.type === 'rows' ? event.rows : []))).toEqual([[MASKED], [MASKED]]);
    expect(events.find(({ type }) => type === 'complete')).toMatchObject({ tag: 'SELECT 3', truncated: true });
    expect((await console.query('select 1')).rows).toEqual([['1']]);
  });

  it('W7 a second statement while one runs is not run, and the first is answered whole', async () => {
    const console = await reader();
    console.send({ type: 'run', id: 1, sql: MAILS });
    console.send({ type: 'run', id: 2, sql: 'select ssn from public.customers' });
    const events = await console.until('done');
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ id: 2, sqlstate: '55000' }]);
    expect(events.flatMap((event) => (event.type === 'rows' ? event.rows : []))).toEqual([
      [MASKED],
      [MASKED],
      [MASKED],
    ]);
  });

  it('W3 W4 W5 names made by SQL stand for what was decided, over messages', async () => {
    const console = await reader();
    await console.query(`prepare zz as ${MAILS}`);
    expect((await console.query('execute zz')).rows.flat()).toEqual([MASKED, MASKED, MASKED]);
    await console.query(`begin; declare cc cursor for ${MAILS}`);
    expect((await console.query('fetch 2 from cc')).rows.flat()).toEqual([MASKED, MASKED]);
    await console.query('rollback; deallocate zz');
    await console.query('prepare zz as select name from public.customers order by id limit 1');
    expect((await console.query('execute zz')).rows).toEqual([['Customer 1']]);
  });

  it('W12 a nul is refused with its place, the verdict on it too, and the session goes on', async () => {
    const console = await reader();
    const answer = await console.query('select 1\0; delete from public.orders');
    expect(answer.errors[0]).toMatchObject({ code: '22021' });
    console.send({ type: 'preflight', id: 9, sql: 'select 1\0; delete from public.orders' });
    const [verdict] = await console.until('verdict');
    expect(JSON.stringify(verdict)).not.toContain('"allow"');
    expect((await console.query('select 1')).rows).toEqual([['1']]);
  });

  it('W14 half a character is not one', async () => {
    const console = await reader();
    for (const half of ['\ud800', '\udc00'])
      expect((await console.query(`select '${half}' = U&'\\FFFD'`)).rows).toEqual([['t']]);
  });

  it('W15 a copy from the browser fails at once, and the session goes on', async () => {
    const console = await door.console(door.grant('shop-admin'));
    const answer = await console.query('copy public.order_items from stdin');
    expect(answer.errors[0]?.code).toBe('57014');
    expect((await console.query('select 1')).rows).toEqual([['1']]);
  });

  it('W18 a cancel reaches its own session only', async () => {
    const [one, two] = [await reader(), await reader()];
    const text = 'select count(*) as w18 from generate_series(1, 100000000000)';
    const running = one.query(text);
    await waitUntil(
      async () => (await door.database.query('select 1 from pg_stat_activity where query = $1', [text])).length === 1,
    );
    for (let n = 0; n < 20; n++) two.send({ type: 'cancel' });
    expect((await two.query('select 1')).rows).toEqual([['1']]);
    expect((await door.database.query('select 1 from pg_stat_activity where query = $1', [text])).length).toBe(1);
    one.send({ type: 'cancel' });
    expect((await running).errors[0]?.code).toBe('57014');
  });

  it.each([
    ['no JSON', 'select 1'],
    ['a list', '[]'],
    ['a type that is none', '{"type":"sudo"}'],
    ['a number for the statement', '{"type":"run","id":1,"sql":1}'],
    ['a limit below one', '{"type":"run","id":1,"sql":"select 1","maxRows":0}'],
    ['a limit without an end', '{"type":"run","id":1,"sql":"select 1","maxRows":1e300}'],
    ['a prototype', '{"type":"run","__proto__":{"id":1,"sql":"select 1"}}'],
    ['JSON without an end', '['.repeat(100_000)],
    ['a second ticket', '{"type":"open","ticket":"x"}'],
    ['a statement above the limit', JSON.stringify({ type: 'run', id: 1, sql: 'x'.repeat(1_100_000) })],
    ['a message above the limit', 'x'.repeat(1_400_000)],
  ])('W19 %s ends its own console, and no other', async (_what, message) => {
    const [attacker, other] = [await reader(), await reader()];
    attacker.socket.send(message);
    await waitUntil(() => attacker.closed);
    expect((await other.query(MAILS)).rows.flat()).toEqual([MASKED, MASKED, MASKED]);
    other.close();
  });
});
