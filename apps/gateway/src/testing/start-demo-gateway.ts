import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SecretValue } from '@taskgate/core';
import { authenticateApiToken, createServices, type ServiceContext, type Services } from '@taskgate/services';
import { freePort, runCommand, startTestPostgres, type TestDatabase, waitUntil } from '@taskgate/testkit';

/** What the demo's tasks speak of, with rows that tests count. */
const SCHEMA = `
  create table public.customers (id int primary key, name text, email text, phone text, ssn text, country text, created_at timestamptz default now());
  create table public.orders (id int primary key, customer_id int, status text, total_cents int, created_at timestamptz default now());
  create table public.order_items (id int primary key, order_id int, sku text, quantity int, price_cents int);
  create table public.payments (id int primary key, order_id int, card_number text, amount_cents int, paid_at timestamptz);
  insert into public.customers select i, 'name ' || i, 'a@b.example', '1', '123-45-6789', 'CH' from generate_series(1, 10) i;
  insert into public.orders select i, 1 + i % 10, 'open', i * 100 from generate_series(1, 1000) i;`;
const app = path.join(import.meta.dirname, '..');

/** The demo as it is set up, with a gateway process, a store and a target of its own, and no web. */
export interface DemoGateway {
  readonly store: TestDatabase;
  readonly target: TestDatabase;
  readonly storeServer: Awaited<ReturnType<typeof startTestPostgres>>;
  readonly targetServer: Awaited<ReturnType<typeof startTestPostgres>>;
  readonly port: number;
  readonly logFile: string;
  /** Straight at the store, as the web is. */
  readonly services: Services;
  /** Whom the demo signs the command line in for. */
  readonly engineer: ServiceContext;
  readonly engineerId: string;
  gateway(): ChildProcess;
  start(environment?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGTERM; resolves once it is gone. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** @param options.flags of Node, for the gateway alone */
export async function startDemoGateway(options: {
  readonly flags?: readonly string[];
  readonly storeSettings?: Readonly<Record<string, string>>;
}): Promise<DemoGateway> {
  const [storeServer, targetServer] = await Promise.all([
    startTestPostgres(options.storeSettings === undefined ? {} : { settings: options.storeSettings }),
    startTestPostgres(),
  ]);
  const [store, target] = await Promise.all([storeServer.createDatabase(), targetServer.createDatabase()]);
  await target.query(SCHEMA);
  const folder = await mkdtemp(path.join(tmpdir(), 'taskgate-gateway-'));
  const [port, consolePort, webPort] = [await freePort(), await freePort(), await freePort()];
  const home = path.join(folder, 'home');
  const environment = {
    PATH: process.env.PATH,
    DATABASE_URL: store.url,
    TASKGATE_HOME: home,
    TASKGATE_GATEWAY_PROCESSES: '1',
    XDG_CONFIG_HOME: path.join(folder, 'config'),
    TASKGATE_URL: `http://127.0.0.1:${webPort}`,
    TASKGATE_POSTGRES_PORT: `${port}`,
    TASKGATE_CONSOLE_PORT: `${consolePort}`,
  };
  const setup = await runCommand(process.execPath, [path.join(app, 'setup.ts')], {
    env: { ...environment, TASKGATE_DEMO: '1' },
    input: JSON.stringify({
      host: targetServer.host,
      port: targetServer.port,
      database: target.name,
      username: targetServer.user,
      password: targetServer.password,
    }),
    timeoutMs: 120_000,
  });
  if (setup.code !== 0) throw new Error(`the demo could not be set up: ${setup.stderr}`);
  const services = await createServices({
    databaseUrl: new SecretValue(store.url),
    home,
    settings: {
      webUrl: 'http://127.0.0.1',
      postgresHost: '127.0.0.1',
      postgresPort: port,
      consolePort,
      recordingsDirectory: path.join(home, 'recordings'),
      spoolDirectory: path.join(home, 'spool'),
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    poolSize: 4,
  });
  const credentials = path.join(environment.XDG_CONFIG_HOME, 'taskgate/credentials.json');
  const signedIn = JSON.parse(fs.readFileSync(credentials, 'utf8')) as { token: string };
  const actor = await authenticateApiToken(services, signedIn.token);
  if (actor === null) throw new Error('the command line of the demo is not signed in');

  const logFile = path.join(folder, 'gateway.log');
  let gateway: ChildProcess | null = null;
  const demo: DemoGateway = {
    ...{ store, target, storeServer, targetServer, port, logFile, services, engineer: { services, actor } },
    engineerId: actor.identityId,
    gateway: () => gateway!,
    async start(more = {}) {
      const output = fs.openSync(logFile, 'a');
      gateway = spawn(
        process.execPath,
        [...(options.flags ?? []), '--disable-warning=ExperimentalWarning', path.join(app, 'main.ts')],
        { env: { ...environment, ...more }, stdio: ['ignore', output, output] },
      );
      fs.closeSync(output);
      await waitUntil(
        async () => (await fetch(`http://127.0.0.1:${consolePort}/health`)).status === 200,
        60_000,
        'the gateway',
      );
    },
    async stop() {
      const stopped = gateway;
      if (stopped === null || stopped.exitCode !== null) return;
      const gone = new Promise((resolve) => stopped.once('close', resolve));
      stopped.kill('SIGTERM');
      await gone;
    },
    async remove() {
      await services.close();
      await demo.stop();
      await Promise.all([storeServer.stop(), targetServer.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await demo.start();
  return demo;
}
