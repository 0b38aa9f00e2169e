import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Listener } from '../postgres/postgres-listener.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { listenConsole } from './listen-console.ts';

const ORIGIN = 'http://127.0.0.1:3000';
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

/** The socket, or the status it was refused with. */
async function connect(origin: string | null = ORIGIN): Promise<WebSocket | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/console`, {
    headers: origin === null ? {} : { origin },
  });
  sockets.push(socket);
  socket.on('error', () => undefined);
  const [first] = await Promise.race([
    once(socket, 'open').then(() => [socket] as const),
    once(socket, 'unexpected-response').then(
      ([, response]) => [(response as { statusCode: number }).statusCode] as const,
    ),
  ]);
  return first;
}
async function opened(ticket: string): Promise<WebSocket> {
  const socket = (await connect()) as WebSocket;
  socket.send(JSON.stringify({ type: 'open', ticket }));
  return socket;
}
const messages = async (socket: WebSocket): Promise<{ type: string; code?: string }> => {
  const [data] = await once(socket, 'message');
  return JSON.parse(String(data));
};

describe('the console', () => {
  it.each([null, 'null', 'http://evil.test', 'http://127.0.0.1:3001', `${ORIGIN}.evil.test`])(
    'opens no socket for a page of another origin: %s',
    async (origin) => {
      expect(await connect(origin)).toBe(403);
    },
  );

  it('runs nothing before its ticket, and nothing for a ticket used before', async () => {
    const early = (await connect()) as WebSocket;
    early.send(JSON.stringify({ type: 'run', id: 1, sql: 'select 1' }));
    expect(await messages(early)).toMatchObject({ type: 'ended', code: 'bad-input' });
    door.controlPlane.tickets.set('once', door.grant('sales-report').grant.grantId);
    const first = await opened('once');
    expect(await messages(first)).toMatchObject({ type: 'ready' });
    expect(await messages(await opened('once'))).toMatchObject({ type: 'ended' });
    first.close();
  });

  it('leaves no session behind a browser that went away while its ticket was looked up', async () => {
    const { controlPlane } = door;
    const before = controlPlane.sessions.length;
    const { redeemTicket } = controlPlane;
    let redeem: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      controlPlane.redeemTicket = async (ticket) => {
        const answer = await redeemTicket(ticket);
        await new Promise<void>((go) => {
          redeem = go;
          resolve();
        });
        return answer;
      };
    });
    try {
      controlPlane.tickets.set('left', door.grant('sales-report').grant.grantId);
      const socket = await opened('left');
      await asked;
      socket.terminate();
      await once(socket, 'close');
      // The server hears of it on its own socket: another console comes and goes meanwhile.
      await vi.waitFor(async () => expect(((await connect()) as WebSocket).readyState).toBe(WebSocket.OPEN));
      redeem();
      controlPlane.redeemTicket = redeemTicket;
      controlPlane.tickets.set('next', door.grant('sales-report').grant.grantId);
      const next = await opened('next');
      expect(await messages(next)).toMatchObject({ type: 'ready' });
      next.close();
      expect(controlPlane.sessions.length).toBe(before + 1);
      await vi.waitFor(() => expect(door.ports.live.count).toBe(0));
    } finally {
      controlPlane.redeemTicket = redeemTicket;
    }
  });

  it('answers the latest of a flood of preflights, not each of them', async () => {
    door.controlPlane.tickets.set('flood', door.grant('sales-report').grant.grantId);
    const socket = await opened('flood');
    expect(await messages(socket)).toMatchObject({ type: 'ready' });
    const verdicts: number[] = [];
    socket.on('message', (data) => verdicts.push((JSON.parse(String(data)) as { id: number }).id));
    const sql = `select ${Array.from({ length: 2_000 }, () => 'id').join(',')} from public.orders`;
    for (let id = 1; id <= 100; id++) socket.send(JSON.stringify({ type: 'preflight', id, sql }));
    await vi.waitFor(() => expect(verdicts.at(-1)).toBe(100), { timeout: 20_000 });
    expect(verdicts.length).toBeLessThan(60);
    socket.close();
  });

  it('holds few sockets of one address that show no ticket, and those that have one do not count', async () => {
    const all = await Promise.all(Array.from({ length: 70 }, () => connect()));
    expect(all.filter((one) => one === 503).length).toBeGreaterThanOrEqual(20);
    const open = all.filter((one): one is WebSocket => typeof one !== 'number');
    for (const socket of open) socket.terminate();
    await vi.waitFor(async () => expect(typeof (await connect())).not.toBe('number'));
  });
});

describe('a grant that is ended while its connection is being opened', () => {
  it('ends that connection too, though no session was there to be told', async () => {
    const { controlPlane } = door;
    const grant = door.grant('sales-report');
    const { leaseCredential } = controlPlane;
    controlPlane.leaseCredential = async (grantId) => {
      const lease = await leaseCredential(grantId);
      controlPlane.endGrant(grant, 'revoked');
      return lease;
    };
    try {
      controlPlane.tickets.set('late', grant.grant.grantId);
      const socket = await opened('late');
      const [code] = await once(socket, 'close');
      expect(code).toBe(1000);
      await vi.waitFor(() => expect(door.ports.live.count).toBe(0));
    } finally {
      controlPlane.leaseCredential = leaseCredential;
    }
  });
});
