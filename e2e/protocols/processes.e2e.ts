import { execFileSync } from 'node:child_process';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { as, endGrant, type OpenGrant, openGrant } from '../api.ts';
import { type SecondGateway, secondGateway } from '../gateway-process.ts';
import { answerTo, cancelRequest, errorFields, query, WireClient, type WireMessage } from '../wire-client.ts';

const PROCESSES = 2;
const NEVER_ENDS = query('select count(*) from generate_series(1, 100000000000)');
const NAME = `processes-${process.pid}`;

let gateway: SecondGateway;
let grant: OpenGrant;
beforeAll(async () => {
  gateway = await secondGateway(inject('system'), NAME, { processes: PROCESSES });
  await gateway.start();
  grant = await openGrant('sales-report');
});
afterAll(async () => {
  await endGrant(grant.id);
  await gateway.remove();
});

const connect = (): Promise<WireClient> => {
  const { user, database } = grant.connect;
  return WireClient.connect({ port: gateway.port, user, database, token: grant.token });
};
/** Which process has it: its cancel key says so. */
const processOf = (client: WireClient): number => client.processId % PROCESSES;
const errorOf = (messages: readonly WireMessage[]) => {
  const error = messages.find(({ tag }) => tag === 'E');
  return error ? errorFields(error) : null;
};
const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number);
/** The second one comes when the first has dealt with what was left. */
const allServe = (): Promise<unknown> =>
  waitUntil(
    async () => {
      const clients = [await connect(), await connect()];
      const found = new Set(clients.map(processOf));
      for (const client of clients) client.close();
      return found.size === PROCESSES;
    },
    20_000,
    'both processes to serve',
  );

interface SessionView {
  readonly gateway: string;
  readonly recording: string;
  readonly endReason: string | null;
}
const sessions = async (): Promise<readonly SessionView[]> => {
  const { items } = await as('auditor').get<{ items: readonly SessionView[] }>('/sessions?task=sales-report&limit=200');
  return items.filter((session) => session.gateway === NAME);
};

describe('a gateway of two processes', () => {
  test('deals connections out to both, and a cancel request that reaches the other one cancels', async () => {
    await allServe();
    const clients = [await connect(), await connect()];
    expect(clients.map(processOf).sort()).toEqual([0, 1]);
    for (const client of clients)
      for (const between of [0, 1]) {
        client.send(NEVER_ENDS);
        await expect(client.read(300)).rejects.toThrow('no message');
        // One connection more in between, and the request goes to the other process: one of the two rounds crosses over.
        for (let n = 0; n < between; n++) (await WireClient.open(gateway.port)).socket.destroy();
        const wrong = Buffer.from(client.secret.map((byte) => byte ^ 1));
        await answerTo(gateway.port, cancelRequest(client.processId, wrong));
        await expect(client.read(300)).rejects.toThrow('no message');
        await answerTo(gateway.port, cancelRequest(client.processId, client.secret));
        expect(errorOf(await client.readUntil('Z'))?.C).toBe('57014');
        expect(errorOf(await client.ask(query('select 1')))).toBeNull();
      }
    for (const client of clients) client.close();
  });

  test('ends as a whole when one process is killed; the next start deals with what it left', {
    timeout: 60_000,
  }, async () => {
    await allServe();
    const clients = [await connect(), await connect()];
    for (const client of clients) expect(errorOf(await client.ask(query('select 1')))).toBeNull();
    const processes = childrenOf(gateway.pid());
    expect(processes).toHaveLength(PROCESSES);
    process.kill(processes[1]!, 'SIGKILL');
    expect(await gateway.ended()).toBe(1);
    for (const client of clients) await client.readUntil('Z').catch(() => undefined);
    await gateway.start();
    await waitUntil(
      async () => {
        const reasons = (await sessions()).map(({ endReason }) => endReason);
        return reasons.includes('gateway-crashed') && !reasons.includes(null);
      },
      20_000,
      'the sessions that were open to have ended',
    );
    await allServe();
  });

  test('tells each client why it ends when it is stopped', async () => {
    await allServe();
    const clients = [await connect(), await connect()];
    expect(clients.map(processOf).sort()).toEqual([0, 1]);
    process.kill(gateway.pid(), 'SIGTERM');
    for (const client of clients) expect(errorOf(await client.readUntil('Z'))?.C).toBe('57P01');
    expect(await gateway.ended()).toBe(0);
    expect((await sessions()).some(({ endReason }) => endReason === null)).toBe(false);
    await gateway.start();
  });
});
