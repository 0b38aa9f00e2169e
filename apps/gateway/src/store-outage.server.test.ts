import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { SecretValue } from '@taskgate/core';
import { activateGrant, authenticateApiToken, createServices, requestGrant } from '@taskgate/services';
import {
  freePort,
  psqlPath,
  runCommand,
  startTestPostgres,
  type TestDatabase,
  type TestPostgres,
  waitUntil,
} from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

const SCHEMA = `
  create table public.customers (id int primary key, name text, email text, phone text, ssn text, country text, created_at timestamptz default now());
  create table public.orders (id int primary key, customer_id int, status text, total_cents int, created_at timestamptz default now());
  create table public.order_items (id int primary key, order_id int, sku text, quantity int, price_cents int);
  create table public.payments (id int primary key, order_id int, card_number text, amount_cents int, paid_at timestamptz);
  insert into public.orders select i, i, 'open', i * 100 from generate_series(1, 1000) i;`;

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(import.meta.dirname, file), 'utf8'));
}

let store: TestPostgres;
let storeDatabase: TestDatabase;
let target: TestPostgres;
let targetDatabase: TestDatabase;
let folder: string;
let gateway: ChildProcess;
let port: number;
let start: (lease: string) => Promise<void>;
let token: string;

beforeAll(async () => {
  [store, target] = await Promise.all([
    startTestPostgres({ settings: { fsync: 'on', synchronous_commit: 'on' } }),
    startTestPostgres(),
  ]);
  [storeDatabase, targetDatabase] = await Promise.all([store.createDatabase(), target.createDatabase()]);
  await targetDatabase.query(SCHEMA);
  folder = await mkdtemp(path.join(tmpdir(), 'taskgate-outage-'));
  const [postgresPort, consolePort, webPort] = [await freePort(), await freePort(), await freePort()];
  port = postgresPort;
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: storeDatabase.url,
    TASKGATE_HOME: path.join(folder, 'home'),
    TASKGATE_GATEWAY_PROCESSES: '1',
    XDG_CONFIG_HOME: path.join(folder, 'config'),
    TASKGATE_URL: `http://127.0.0.1:${webPort}`,
    TASKGATE_POSTGRES_PORT: `${postgresPort}`,
    TASKGATE_CONSOLE_PORT: `${consolePort}`,
  };
  const demoTarget = {
    host: target.host,
    port: target.port,
    database: targetDatabase.name,
    username: target.user,
    password: target.password,
  };
  const setup = await runCommand(process.execPath, [path.join(import.meta.dirname, 'setup.ts')], {
    env: { ...env, TASKGATE_DEMO: '1' },
    input: JSON.stringify(demoTarget),
    timeoutMs: 120_000,
  });
  expect(setup).toMatchObject({ code: 0 });
  start = async (lease) => {
    const output = fs.openSync(path.join(folder, 'gateway.log'), 'a');
    gateway = spawn(
      process.execPath,
      [...FLAGS, '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'main.ts')],
      { env: { ...env, TASKGATE_LEASE: lease }, stdio: ['ignore', output, output] },
    );
    await waitUntil(
      async () => (await fetch(`http://127.0.0.1:${consolePort}/health`)).status === 200,
      60_000,
      'the gateway',
    );
  };
  await start('10m');
  token = await grantToken(env.TASKGATE_HOME, path.join(env.XDG_CONFIG_HOME, 'taskgate/credentials.json'));
}, 300_000);
async function stop(): Promise<void> {
  const gone = new Promise((resolve) => gateway.once('close', resolve));
  gateway.kill('SIGTERM');
  await gone;
}
afterAll(async () => {
  await stop();
  await Promise.all([store.stop(), target.stop()]);
  if (process.env.OUTAGE_LOG !== undefined) fs.copyFileSync(path.join(folder, 'gateway.log'), process.env.OUTAGE_LOG);
  await rm(folder, { recursive: true, force: true });
});

/** A grant of the demo's engineer, as the command line would get it. */
async function grantToken(home: string, credentials: string): Promise<string> {
  const services = await createServices({
    databaseUrl: new SecretValue(storeDatabase.url),
    home,
    settings: {
      webUrl: 'http://127.0.0.1',
      postgresHost: '127.0.0.1',
      postgresPort: port,
      consolePort: 1,
      recordingsDirectory: path.join(home, 'recordings'),
      spoolDirectory: path.join(home, 'spool'),
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    poolSize: 2,
  });
  try {
    const signedIn = JSON.parse(fs.readFileSync(credentials, 'utf8')) as { token: string };
    const actor = (await authenticateApiToken(services, signedIn.token))!;
    const { id } = await requestGrant({ services, actor }, { task: 'sales-report', reason: 'an outage' });
    return (await activateGrant({ services, actor }, { id })).token;
  } finally {
    await services.close();
  }
}

const connection = () =>
  `host=127.0.0.1 port=${port} user=sales-report dbname=${targetDatabase.name} sslmode=require connect_timeout=20`;

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
  Number((await storeDatabase.query<{ n: string }>('select count(*) as n from operations'))[0]!.n);
const live = async (): Promise<number> =>
  Number(
    (await storeDatabase.query<{ n: string }>('select count(*) as n from sessions where "endedAt" is null'))[0]!.n,
  );

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
      const before = memoryOf(gateway.pid!);
      await store.kill();
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
        most = Math.max(most, memoryOf(gateway.pid!));
      } while (performance.now() - killedAt < OUTAGE_MS);
      const during = answered - atKill;
      await store.restart();
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
      const undone = await storeDatabase.query(`select 1 from operations where result is distinct from 'done'`);
      expect(undone).toEqual([]);
      if (process.env.OUTAGE_MS !== undefined)
        console.log({ OUTAGE_MS, answered, during, refusals, memoryBeforeKb: before, memoryMostKb: most });
    },
    OUTAGE_MS + 300_000,
  );

  it('for longer than the lease ends the sessions with the reason', async () => {
    await stop();
    await start(`${SHORT_LEASE_MS}ms`);
    const client = new Psql('outlasted');
    expect(await client.run('select id from public.orders where false')).toBe(true);
    await store.kill();
    await waitUntil(
      async () => !(await client.run('select id from public.orders where false')),
      60_000,
      'the end of the lease',
    );
    expect(client.stderr).toMatch(/57P03/);
    expect(client.stderr).toMatch(/could not ask its store/);
    await store.restart();
    await waitUntil(async () => (await live()) === 0, 60_000, 'its end in the store');
    expect(await storeDatabase.query(`select "endReason" from sessions where application = 'outlasted'`)).toEqual([
      { endReason: 'store-away' },
    ]);
  }, 180_000);
});
