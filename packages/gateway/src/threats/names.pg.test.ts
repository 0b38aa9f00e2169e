import { encodeClose, encodeExecute, encodeFlush, encodeQuery, encodeSync } from '@taskgate/protocol-postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, type RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
beforeAll(async () => {
  door = await openThreatDoor();
});
afterAll(async () => {
  await door.close();
});
afterEach(() => door.expectNoLeak());

const reader = (): Promise<RawClient> => door.raw(door.grant('sales-report'));
const NAMES = 'select name from public.customers order by id limit 3';
const MAILS = 'select email from public.customers order by id limit 3';

describe('W5 a name stands for what the server has under it', () => {
  it('two long names that the server cuts to one cannot be told apart by the gate: they are refused', async () => {
    const client = await reader();
    const [first, second] = [`${'a'.repeat(63)}x`, `${'a'.repeat(63)}y`];
    await client.exchange([parse(first, NAMES), encodeSync()]);
    await client.exchange([encodeClose('statement', second), encodeSync()]);
    await client.exchange([parse(second, MAILS), encodeSync()]);
    const answer = await client.exchange([bind('', first), encodeExecute('', 0), encodeSync()]);
    expect(answer.rows).toEqual([]);
  });

  it('long names of portals are refused as well, and in characters of several bytes', async () => {
    const client = await reader();
    const [first, second] = [`${'é'.repeat(32)}x`, `${'é'.repeat(32)}y`];
    await client.query('begin');
    await client.exchange([parse('n', NAMES), parse('m', MAILS), bind(first, 'n'), encodeSync()]);
    await client.exchange([encodeClose('portal', second), bind(second, 'm'), encodeSync()]);
    const answer = await client.exchange([encodeExecute(first, 0), encodeSync()]);
    expect(answer.rows).toEqual([]);
  });

  it('a held write cannot be reached through the name of a read', async () => {
    const client = await door.raw(door.grant('fix-order-status'));
    const [first, second] = [`${'b'.repeat(63)}x`, `${'b'.repeat(63)}y`];
    const before = await door.fingerprint();
    await client.exchange([parse(first, 'select 1'), encodeSync()]);
    await client.exchange([encodeClose('statement', second), encodeSync()]);
    await client.exchange([parse(second, "update public.orders set status = 'got in'"), encodeSync()]);
    await client.exchange([bind('', first), encodeExecute('', 0), encodeSync()]);
    expect(await door.fingerprint()).toBe(before);
  });

  it('SQL names are folded and cut as the server does it', async () => {
    const client = await reader();
    const long = 'c'.repeat(63);
    await client.query(`prepare ${long}x as ${NAMES}`);
    await client.query(`deallocate ${long}y`);
    await client.query(`prepare ${long}z as ${MAILS}`);
    const answer = await client.query(`execute ${long}x`);
    expect(answer.rows.flat().every((value) => /^k?\*\*\*|^k\*/.test(value ?? '') || value === null)).toBe(true);
    await client.query(`prepare Mixed as ${NAMES}`);
    await client.query('deallocate "mixed"');
    await client.query(`prepare "mixed" as ${MAILS}`);
    expect((await client.query('execute MIXED')).rows.flat()).toEqual([
      'k***@example.com',
      'k***@example.com',
      'k***@example.com',
    ]);
  });

  it('a name closed and parsed again is what it was parsed as last', async () => {
    const client = await reader();
    await client.exchange([parse('s', NAMES), encodeSync()]);
    await client.exchange([encodeClose('statement', 's'), parse('s', MAILS), encodeSync()]);
    const answer = await client.exchange([bind('', 's'), encodeExecute('', 0), encodeSync()]);
    expect(answer.rows[0]).toEqual(['k***@example.com']);
  });

  it('a parse that fails leaves the name with its first meaning', async () => {
    const client = await reader();
    await client.exchange([parse('t', MAILS), encodeSync()]);
    expect((await client.exchange([parse('t', NAMES), encodeSync()])).errors[0]?.code).toBe('42P05');
    const answer = await client.exchange([bind('', 't'), encodeExecute('', 0), encodeSync()]);
    expect(answer.rows[0]).toEqual(['k***@example.com']);
    expect(
      (await client.exchange([parse('t', NAMES), encodeFlush(), bind('', 't'), encodeExecute('', 0), encodeSync()]))
        .rows,
    ).toEqual([]);
    expect((await client.query(`prepare t as ${NAMES}; execute t`)).rows).toEqual([]);
    expect((await client.query('execute t')).rows[0]).toEqual(['k***@example.com']);
  });

  // Without an origin: the server's own description does not say where the values are from.
  const HIDDEN = 'select email::varchar from public.customers order by id limit 3';
  const SHOWN = 'select name::varchar from public.customers order by id limit 3';
  it.each([
    ['execute', 'execute n', [`prepare n as ${HIDDEN}`], ['deallocate n', `prepare n as ${SHOWN}`]],
    ['fetch', 'fetch all from n', [`declare n cursor for ${HIDDEN}`], ['close n', `declare n cursor for ${SHOWN}`]],
  ])(
    'the rows that an %s has begun to give are masked as what its name stood for then',
    async (_how, by, first, then) => {
      for (const inOneBatch of [false, true]) {
        const client = await reader();
        await client.query('begin');
        for (const text of first) await client.query(text);
        const begun = [parse('by', by), bind('p', 'by'), encodeExecute('p', 1)];
        const renamed = then.flatMap((text) => [parse('', text), bind('', ''), encodeExecute('', 0)]);
        const rows = [];
        for (const batch of inOneBatch
          ? [[...begun, ...renamed, encodeExecute('p', 1)]]
          : [begun, renamed, [encodeExecute('p', 1)]]) {
          const answer = await client.exchange([...batch, encodeSync()]);
          expect(answer.errors).toEqual([]);
          rows.push(...answer.rows);
        }
        expect(rows).toEqual([['k***@example.com'], ['k***@example.com']]);
        // By the name itself comes what it stands for now.
        expect((await client.query(by)).rows.flat()).toEqual(
          (await door.database.query<{ name: string }>(SHOWN)).map(({ name }) => name),
        );
        client.close();
        door.expectNoLeak();
      }
    },
  );

  it('the unnamed statement of an approved write cannot be run again', async () => {
    const client = await door.raw(door.grant('fix-order-status'));
    await client.exchange([parse('', 'select 1'), encodeSync()]);
    const running = client.query("update public.orders set status = 'approved once' where id = 40");
    await door.approve('where id = 40');
    expect((await running).commands).toEqual(['UPDATE 1']);
    await door.database.query("update public.orders set status = 'open' where id = 40");
    const answer = await client.exchange([bind('', ''), encodeExecute('', 0), encodeSync()]);
    expect(answer.errors[0]?.code).toBe('26000');
    const [row] = await door.database.query('select status from public.orders where id = 40');
    expect(row).toEqual({ status: 'open' });
  });

  it('a simple query takes the unnamed statement and portal away, as at the server', async () => {
    const client = await reader();
    await client.query('begin');
    await client.exchange([parse('', NAMES), bind('', ''), encodeSync()]);
    await client.query('select 1');
    expect((await client.exchange([encodeExecute('', 0), encodeSync()])).errors[0]?.code).toBe('34000');
    await client.query('rollback');
    expect((await client.exchange([bind('', ''), encodeSync()])).errors[0]?.code).toBe('26000');
  });

  it('the name that the gate refuses with is of no use', async () => {
    const client = await reader();
    await client.exchange([parse('taskgate_refused', NAMES), encodeSync()]);
    await client.exchange([parse('', 'select ssn from public.customers'), encodeSync()]);
    const answer = await client.exchange([bind('', 'taskgate_refused'), encodeExecute('', 0), encodeSync()]);
    expect(answer.rows[0]).toEqual(['Customer 1']);
  });
});

describe('W3 W4 names made by SQL are the protocol’s names', () => {
  it('W3 a SQL prepare bound by the protocol is masked', async () => {
    const client = await reader();
    await client.query(`prepare zz as ${MAILS}`);
    const answer = await client.exchange([bind('', 'zz'), encodeExecute('', 0), encodeSync()]);
    expect(answer.rows[0]).toEqual(['k***@example.com']);
  });

  it('W4 a SQL cursor executed by the protocol is masked, in parts too', async () => {
    const client = await reader();
    await client.query(`begin; declare cc cursor for ${MAILS}`);
    const answer = await client.exchange([encodeExecute('cc', 1), encodeExecute('cc', 0), encodeSync()]);
    expect(answer.rows.flat()).toEqual(Array(3).fill('k***@example.com'));
  });

  it('P17 a fetch from a portal of the protocol is masked', async () => {
    const client = await reader();
    await client.query('begin');
    await client.exchange([parse('m', MAILS), bind('pp', 'm'), encodeSync()]);
    expect((await client.query('fetch all from pp')).rows.flat()).toEqual(Array(3).fill('k***@example.com'));
  });

  it('P17 a cursor with hold is masked after its commit', async () => {
    const client = await reader();
    await client.query(`begin; declare hh cursor with hold for ${MAILS}; commit`);
    expect((await client.query('fetch 2 from hh')).rows.flat()).toEqual(Array(2).fill('k***@example.com'));
    expect((await client.extended('fetch 1 from hh')).rows.flat()).toEqual(['k***@example.com']);
    expect((await client.exchange([encodeExecute('hh', 0), encodeSync()])).rows.flat()).toEqual([]);
  });

  it('a prepared fetch or execute is masked by what its name stands for when it runs', async () => {
    const client = await reader();
    const counts = 'select id, total_cents from public.orders order by id limit 1';
    await client.query(`prepare e as ${counts}`);
    await client.exchange([parse('run', 'execute e'), encodeSync()]);
    await client.query('deallocate e');
    await client.query('prepare e as select name, email from public.customers order by id limit 1');
    expect((await client.exchange([bind('', 'run'), encodeExecute('', 0), encodeSync()])).rows).toEqual([
      ['Customer 1', 'k***@example.com'],
    ]);
    await client.query('deallocate e');
    // A card number in a column without a mask is found by what it looks like: its type must be the one that comes.
    await door.database.query("update public.orders set status = '4111111111111111' where id = 90");
    await client.query('prepare e as select id, status from public.orders where id = 90');
    const found = await client.exchange([bind('', 'run'), encodeExecute('', 0), encodeSync()]);
    await door.database.query("update public.orders set status = 'open' where id = 90");
    expect(JSON.stringify(found.rows)).not.toContain('4111111111111111');
  });

  it('names that never were are refused, and the session goes on', async () => {
    const client = await reader();
    for (const text of ['execute nope', 'fetch all from nope', 'close nope', 'deallocate nope'])
      expect((await client.query(text)).errors).toHaveLength(1);
    expect((await client.exchange([encodeExecute('nope', 0), encodeSync()])).errors[0]?.code).toBe('34000');
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });

  it('savepoints, discards and failed declares leave no wrong name behind', async () => {
    const client = await reader();
    await client.query('begin; savepoint s');
    await client.query(`declare c cursor for ${NAMES}`);
    await client.query('rollback to s');
    await client.query(`declare c cursor for ${MAILS}`);
    expect((await client.query('fetch 1 from c')).rows).toEqual([['k***@example.com']]);
    expect((await client.query(`declare c cursor for ${NAMES}`)).errors).toHaveLength(1);
    await client.query('rollback to s');
    await client.query(`declare c cursor for ${MAILS}`);
    await client.query('savepoint t; close c; rollback to t');
    expect((await client.query('fetch 1 from c')).rows).toEqual([]);
    await client.query('rollback');
    await client.query(`prepare d as ${NAMES}`);
    await client.query('discard all');
    await client.query(`prepare d as ${MAILS}`);
    expect((await client.query('execute d')).rows[0]).toEqual(['k***@example.com']);
    expect((await client.query(`deallocate all; prepare d as ${MAILS}; execute d`)).rows[0]).toEqual([
      'k***@example.com',
    ]);
    expect(
      (await client.exchange([encodeQuery(`deallocate d; prepare d as ${NAMES}; select 1/0`)])).errors,
    ).toHaveLength(1);
    expect((await client.query('execute d')).rows[0]).toEqual(['Customer 1']);
  });

  it('a portal bound before a view changed does not run under the decision of after', async () => {
    await door.database.query('create view public.shown as select id, email as label from public.customers');
    const client = await reader();
    await client.query('begin');
    await client.exchange([parse('v', 'select label from public.shown'), bind('old', 'v'), encodeSync()]);
    // The server's plan of the portal reads the e-mail; the view that the catalog has next shows a name.
    const changing = await door.database.connect();
    await client.query('savepoint s');
    const changed = changing.query(
      'create or replace view public.shown as select id, name as label from public.customers',
    );
    await client.query('select relname from public.no_such_relation');
    await client.query('rollback to s');
    const answer = await client.exchange([encodeExecute('old', 0), encodeSync()]);
    expect(answer.rows.flat().every((value) => value === 'k***@example.com')).toBe(true);
    await client.query('rollback');
    await changed;
    await changing.end();
  });
});
