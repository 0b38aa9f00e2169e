import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { activateGrant, requestGrant } from '@taskgate/services';
import { psqlPath, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoGateway, startDemoGateway } from './testing/start-demo-gateway.ts';

/** How long the store is away under load. A run by hand may take the honest five minutes. */
const OUTAGE_MS = Number(process.env.OUTAGE_MS ?? 1_500);
/** Of the gateway whose lease runs out. */
const SHORT_LEASE_MS = 2_000;
const CLIENTS = 3;
/**
 * The gateway's own, and a bound of what it may keep: without one, how large its process grows says how much garbage it
 * puts up with, and nothing of what an outage costs.
 */
const FLAGS = [...(readJson('../node-flags.json') as string[]), '--max-old-space-size=160'];

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(import.meta.dirname, file), 'utf8'));
}

let demo: DemoGateway;
let token: string;
beforeAll(async () => {
  demo = await startDemoGateway({
    flags: FLAGS,
    storeSettings: { fsync: 'on', synchronous_commit: 'on' },
  });
  const { id } = await requestGrant(demo.engineer, { task: 'sales-report', reason: 'an outage' });
  ({ token } = await activateGrant(demo.engineer, { id }));
}, 300_000);
afterAll(async () => {
  await demo.stop();
  if (process.env.OUTAGE_LOG !== undefined) fs.copyFileSync(demo.logFile, process.env.OUTAGE_LOG);
  await demo.remove();
});

const connection = () =>
  `host=127.0.0.1 port=${demo.port} user=sales-report dbname=${demo.target.name} sslmode=require connect_timeout=20`;

/** One psql that is given a statement at a time. */
class Psql {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  stderr = '';
  ended = false;

  constructor(application: string) {
    this.#child = spawn(psqlPath(), ['-X', '-A', '-t', '-q', '-v', 'VERBOSITY=verbose', connection()], {
      env: { PATH: process.env.PATH, PGPASSWORD: token, PGAPPNAME: application },
    });
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.#child.on('close', () => {
      this.ended = true;
      this.#wake();
    });
  }

  /** True once the statement, which gives no rows, is over; false where the session has ended. */
  async run(statement: string): Promise<boolean> {
    this.#child.stdin.write(`${statement};\n\\echo over\n`);
    while (this.#lines.length === 0 && !this.ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#lines.shift() === 'over';
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await waitUntil(() => this.ended);
  }
}

/** Kilobytes of memory that the gateway's process has. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}

const operations = async (): Promise<number> =>
  Number((await demo.store.query<{ n: string }>('select count(*) as n from operations'))[0]!.n);
const live = async (): Promise<number> =>
  Number((await demo.store.query<{ n: string }>('select count(*) as n from sessions where "endedAt" is null'))[0]!.n);

describe('a store that is stopped under load', () => {
  it(
    'holds up no session within its lease, lets no new one in, and knows of everything when it is back',
    async () => {
      const clients = Array.from({ length: CLIENTS }, (_, index) => new Psql(`load-${index}`));
      let stop = false;
      let answered = 0;
      const load = Promise.all(
        clients.map(async (client) => {
          for (let turn = 1; !stop; turn++) {
            // Without rows: the task's budget of them is reserved in slices, which the store gives.
            expect(await client.run(`select id from public.orders where id = -${turn % 100}`), client.stderr).toBe(
              true,
            );
            expect(client.stderr).toBe('');
            answered += 1;
          }
        }),
      );
      load.catch(() => undefined);
      // What a process needs to be warm is not memory of the outage.
      await waitUntil(() => answered > 500 * CLIENTS, 120_000, 'the load');
      const before = memoryOf(demo.gateway().pid!);
      await demo.storeServer.kill();
      const [killedAt, atKill] = [performance.now(), answered];
      let most = before;
      let refusals = 0;
      do {
        const startedAt = performance.now();
        const refused = await runCommand(psqlPath(), ['-X', '-c', 'select 1', connection()], {
          env: { PGPASSWORD: token },
        });
        expect(refused.code).toBe(2);
        expect(refused.stderr).toMatch(/store/);
        expect(performance.now() - startedAt).toBeLessThan(15_000);
        refusals += 1;
        most = Math.max(most, memoryOf(demo.gateway().pid!));
      } while (performance.now() - killedAt < OUTAGE_MS);
      const during = answered - atKill;
      await demo.storeServer.restart();
      await waitUntil(
        async () => {
          const { code } = await runCommand(psqlPath(), ['-X', '-c', 'select 1', connection()], {
            env: { PGPASSWORD: token },
          });
          return code === 0;
        },
        30_000,
        'a new session',
      );
      stop = true;
      await load;
      await Promise.all(clients.map((client) => client.close()));
      expect(during).toBeGreaterThan(0);
      expect(most - before).toBeLessThan(150_000);
      await waitUntil(async () => (await live()) === 0, 60_000, 'the ends of all sessions');
      // And the one statement of the session that got in first.
      await waitUntil(async () => (await operations()) === answered + 1, 60_000, 'all operations in the store');
      const undone = await demo.store.query(`select 1 from operations where result is distinct from 'done'`);
      expect(undone).toEqual([]);
      if (process.env.OUTAGE_MS !== undefined)
        console.log({ OUTAGE_MS, answered, during, refusals, memoryBeforeKb: before, memoryMostKb: most });
    },
    OUTAGE_MS + 300_000,
  );

  it('for longer than the lease ends the sessions with the reason', async () => {
    await demo.stop();
    await demo.start({ TASKGATE_LEASE: `${SHORT_LEASE_MS}ms` });
    const client = new Psql('outlasted');
    expect(await client.run('select id from public.orders where false')).toBe(true);
    await demo.storeServer.kill();
    await waitUntil(
      async () => !(await client.run('select id from public.orders where false')),
      60_000,
      'the end of the lease',
    );
    expect(client.stderr).toMatch(/57P03/);
    expect(client.stderr).toMatch(/could not ask its store/);
    await demo.storeServer.restart();
    await waitUntil(async () => (await live()) === 0, 60_000, 'its end in the store');
    expect(await demo.store.query(`select "endReason" from sessions where application = 'outlasted'`)).toEqual([
      { endReason: 'store-away' },
    ]);
  }, 180_000);
});
