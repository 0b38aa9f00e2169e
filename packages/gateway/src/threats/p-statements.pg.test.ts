import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EveryWay, WAYS } from '../testing/every-way.ts';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { REFUSED_STATEMENTS } from './statement-rows.ts';

let door: ThreatDoor;
let ways: EveryWay;
let reader: RawClient;
let before: string;
beforeAll(async () => {
  door = await openThreatDoor();
  reader = await door.raw(door.grant('sales-report'));
  ways = await EveryWay.open(door, door.grant('sales-report'));
  before = await door.fingerprint();
});
afterAll(async () => {
  await door.close();
});

describe('what must not run is refused whichever way it is sent, and the session goes on', () => {
  it.each(REFUSED_STATEMENTS.map(([id, what, text, only = WAYS]) => [id, what, text, only] as const))(
    '%s %s',
    async (_id, _what, text, only) => {
      await ways.refuses(text, only);
    },
  );

  it('nothing changed, and each attempt is in the recording as refused, each way', async () => {
    expect(await door.fingerprint()).toBe(before);
    await ways.goOn();
    const missingOf = (recorded: Awaited<ReturnType<typeof door.recorded>>) =>
      // A text that is none (with a nul) is refused before it is a statement.
      REFUSED_STATEMENTS.filter(([, , text]) => !text.includes('\0')).flatMap(([, , text]) =>
        ['simple', 'extended', 'console']
          .filter(
            (sent) =>
              !recorded.some(
                ({ statement, via, decision }) =>
                  via === sent && decision === 'deny' && statement !== '' && text.includes(statement),
              ),
          )
          .map((sent) => `${sent}: ${text}`),
      );
    // A refusal waits for nobody: it is gathered with others into one write.
    await waitUntil(async () => missingOf(await door.recorded()).length === 0);
    const recorded = await door.recorded();
    const ran = recorded.filter(
      ({ statement, outcome }) =>
        outcome !== 'refused' && REFUSED_STATEMENTS.some(([, , text]) => statement === text.trim()),
    );
    expect(ran).toEqual([]);
    expect(missingOf(recorded)).toEqual([]);
  });
});

describe('ordinary statements that look alike are not refused', () => {
  it.each([
    'select id, status, total_cents from public.orders where id < 5 order by total_cents desc limit 3',
    'select o.id, c.name, c.email from public.orders o join public.customers c on c.id = o.customer_id limit 2',
    'select country, count(*) from public.customers group by country having count(*) > 0',
    'with recent as (select id, customer_id from public.orders) select count(*) from recent',
    'explain select id from public.orders',
    'explain analyze select id from public.orders',
    "select to_char(created_at, 'YYYY-MM') as month, sum(total_cents) from public.orders group by 1 order by 1",
    'select * from public.orders limit 1',
    'copy (select id, name, email from public.customers) to stdout (format csv, header)',
    'begin; select 1; commit',
    "set timezone = 'UTC'; show timezone",
    'select current_user, version(), now()',
    "select 'drop table x; --' as harmless",
    'select relname from pg_class limit 1',
    "select table_name from information_schema.tables where table_schema = 'public'",
    'select routine_name, data_type from information_schema.routines limit 1',
    "select coalesce(status, 'none'), round(avg(total_cents) / 100.0, 2) from public.orders group by 1",
    'select id, lag(total_cents) over (order by id) from public.orders limit 1',
    // Drivers clear a pooled connection with it: it hears of nothing.
    'unlisten *',
    'select email from public.customer_mail limit 1',
    'select count(*) from public.customers',
    'select * from generate_series(1, 3)',
    "select id from public.orders where created_at > now() - interval '1 day' and status in ('open', 'paid') limit 1",
    'declare c cursor with hold for select id, email from public.customers; fetch 2 from c; close c',
  ])('%s', async (text) => {
    expect((await reader.query(text)).errors).toEqual([]);
    door.expectNoLeak();
  });
});
