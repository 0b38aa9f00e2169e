import { once } from 'node:events';
import type { ConsoleEvent } from '@taskgate/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Listener } from '../postgres/postgres-listener.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { listenConsole } from './listen-console.ts';

const ORIGIN = 'http://127.0.0.1:3000';
const TASKS = ['sales-report', 'fix-order-status', 'shop-admin'] as const;
let door: TestDoor;
let listener: Listener;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  door = await openTestDoor();
  listener = await listenConsole({ host: '127.0.0.1', port: 0, allowedOrigins: [ORIGIN], ports: door.ports });
});
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await listener.close();
  await door.close();
});

/** Allowed, masked, held, refused by every kind of rule, not understood, failing at the target. */
const STATEMENTS = [
  'select 1',
  'select id, status from orders where id < 3',
  'select id, email from customers',
  'select email as contact, name from public.customers order by id limit 2',
  'select * from customers',
  'select ssn from customers',
  "select id from customers where email = 'a@b.c'",
  'select email, count(*) from customers group by email',
  'select upper(email) from customers',
  'select c.email, o.id from customers c join orders o on o.customer_id = c.id limit 3',
  'with c as (select email from customers) select * from c limit 1',
  'select email from (select email from customers) as inner_query',
  'select email from customer_mail',
  'select card_number from payments',
  'select count(*) from order_items',
  "update orders set status = 'paid' where id = 1",
  'update orders set total_cents = 0',
  "update orders set status = 'x' where id = 1 returning status",
  'delete from orders where id = 100',
  'insert into orders (id) values (1000)',
  'truncate orders',
  'drop table orders',
  'create table made (id int)',
  'grant select on orders to public',
  'select pg_sleep(0)',
  "select pg_read_file('/etc/passwd')",
  'select nope from orders',
  'select from from',
  'select 1/0',
  "set timezone = 'UTC'",
  'set role postgres',
  'begin',
  'rollback',
  'explain select id from orders',
  'explain select ssn from customers',
  'show timezone',
  'select 1; select ssn from customers',
  'select relname from pg_class limit 1',
  'select rolpassword from pg_authid',
  '',
];

class Console {
  readonly socket: WebSocket;
  #events: ConsoleEvent[] = [];
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.#events.push(JSON.parse(String(data)) as ConsoleEvent);
      this.#wake();
    });
  }

  async next<T extends ConsoleEvent['type']>(type: T): Promise<Extract<ConsoleEvent, { type: T }>> {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      else if (event.type === type) return event as Extract<ConsoleEvent, { type: T }>;
      else if (event.type === 'ended') throw new Error(event.message);
    }
  }

  /** All events of one run; what is held is taken back. */
  async run(id: number, sql: string): Promise<readonly ConsoleEvent[]> {
    const events: ConsoleEvent[] = [];
    this.socket.send(JSON.stringify({ type: 'run', id, sql }));
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      events.push(event);
      if (event.type === 'notice' && event.message.includes('held')) this.socket.send('{"type":"cancel"}');
      if (event.type === 'done' || event.type === 'ended') return events;
    }
  }
}

describe('the verdict before a statement is run', () => {
  it.each(TASKS)('is what then happens, under %s, for every statement', { timeout: 60_000 }, async (task) => {
    door.controlPlane.tickets.set(task, door.grant(task).grant.grantId);
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/console`, { headers: { origin: ORIGIN } });
    sockets.push(socket);
    const console = new Console(socket);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'open', ticket: task }));
    await console.next('ready');

    const seen = new Set<string>();
    for (const [id, sql] of STATEMENTS.entries()) {
      socket.send(JSON.stringify({ type: 'preflight', id, sql }));
      const { statements } = await console.next('verdict');
      const outcomes = statements.map(({ outcome }) => outcome);
      const events = await console.run(id, sql);
      const of = <T extends ConsoleEvent['type']>(type: T) =>
        events.filter((event): event is Extract<ConsoleEvent, { type: T }> => event.type === type);
      const [error] = of('error');
      const refused = error?.sqlstate === '42501' && error.message.startsWith('taskgate: ');
      const where = `${task}: ${sql}`;
      const denied = statements.find(({ outcome }) => outcome === 'deny');
      if (denied !== undefined) {
        seen.add('deny');
        expect(refused, where).toBe(true);
        expect(error!.message, where).toContain(denied.reasons[0]!.message);
        expect(of('rows'), where).toEqual([]);
      } else if (outcomes.includes('hold')) {
        seen.add('hold');
        expect(
          of('notice').some(({ message }) => message.includes('held')),
          where,
        ).toBe(true);
        expect(error?.sqlstate, where).toBe('57014');
      } else {
        seen.add('allow');
        expect(refused, where).toBe(false);
        const masked = of('columns').flatMap(({ columns }) =>
          columns.flatMap(({ name, mask }) => (mask === null ? [] : [{ column: name, mask }])),
        );
        if (error === undefined) expect(masked, where).toEqual(statements.flatMap(({ masks }) => masks));
      }
    }
    expect([...seen].sort()).toEqual(task === 'fix-order-status' ? ['allow', 'deny', 'hold'] : ['allow', 'deny']);
    socket.close();
  });
});
