// The supervisor: store, demo target, gateway and web of one home, started in order and stopped in order.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, stopEmbeddedPostgres } from '@taskgate/embedded-postgres';
import pg from 'pg';
import { programOf } from './build.mjs';
import { DEMO_SHOP_DATABASE, DEMO_SHOP_ROLE, DEMO_SHOP_SETTINGS, installDemoShop } from './demo/demo-shop.ts';
import { root } from './node-24.mjs';
import { progress } from './progress.mjs';
import { announcement } from './serve/announce.ts';
import { ensureRoleAndDatabase, startEmbeddedServer, startOnKeptPort } from './serve/embedded-server.ts';
import { type Home, openHome } from './serve/home.ts';
import { isPortFree, PortTakenError, portSetting } from './serve/ports.ts';
import { AlreadyRunningError, openProcessRegister, signalGroup } from './serve/process-register.ts';
import { runSetup } from './serve/run-setup.ts';
import { type SupervisedProcess, startProcess } from './serve/supervised-process.ts';

const HOST = '127.0.0.1';
const STORE_NAME = 'taskgate';
/** Below the range of outgoing connections, so that it is likely to be free at the next start too. */
const FIRST_STORE_PORT = 15440;
const READY_DEADLINE_MS = 90_000;
const READY_POLL_MS = 50;
const READY_REQUEST_MS = 2000;
const GATEWAY_STOP_MS = 15_000; // sessions are drained
const WEB_STOP_MS = 8000;
/** npm and the terminal may both deliver one Ctrl-C: only a later one means "now". */
const SECOND_SIGNAL_AFTER_MS = 1000;

const dev = process.argv.includes('--dev');

/** What is running, in the order in which it is stopped. */
const processes: SupervisedProcess[] = [];
/** In the order in which they were started; those that are still starting included. */
const launches: Promise<EmbeddedPostgres>[] = [];
const servers: EmbeddedPostgres[] = [];
const halt = new AbortController();
let stopping: Promise<void> | null = null;
let stopAskedAt = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => onStopSignal());
process.on('disconnect', () => onStopSignal()); // `npm start` itself was killed
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // the terminal is gone
process.on('exit', killEverything);
process.on('uncaughtException', (error) => void fail(error));
process.on('unhandledRejection', (error) => void fail(error));

if (process.argv.includes('--end-leftovers')) {
  await endLeftovers().catch(fail);
  process.exit(0);
}
await serve().catch(fail);

async function serve(): Promise<void> {
  const web = portSetting('TASKGATE_WEB_PORT', 3000);
  const postgres = portSetting('TASKGATE_POSTGRES_PORT', 15432);
  const consolePort = portSetting('TASKGATE_CONSOLE_PORT', 18081);
  const home = openHome(homePath());
  const register = await openProcessRegister(home.processesFile, progress);
  for (const [port, setting] of [
    [web, 'TASKGATE_WEB_PORT'],
    [postgres, 'TASKGATE_POSTGRES_PORT'],
    [consolePort, 'TASKGATE_CONSOLE_PORT'],
  ] as const) {
    if (!(await isPortFree(port))) throw new PortTakenError(port, setting);
  }

  const storeUrl = process.env.DATABASE_URL || (await startStore(home));
  if (stopping) return;
  const demo = await decideDemo(home, storeUrl);
  const targetUrl = demo ? await startDemoShop(home) : null;
  if (stopping) return;
  progress(demo ? 'store and demo target are up' : 'store is up');

  const webUrl = process.env.NEXTAUTH_URL || `http://${HOST}:${web}`;
  const { TASKGATE_STARTED_AT: _, ...inherited } = process.env;
  const shared: NodeJS.ProcessEnv = {
    ...inherited,
    NODE_ENV: dev ? 'development' : 'production',
    DATABASE_URL: storeUrl,
    TASKGATE_HOME: home.path,
    TASKGATE_WEB_PORT: String(web),
    TASKGATE_POSTGRES_PORT: String(postgres),
    TASKGATE_CONSOLE_PORT: String(consolePort),
    TASKGATE_URL: webUrl,
    TASKGATE_DEMO: demo ? '1' : '0',
  };
  if (process.env.TASKGATE_DEMO_PASSWORD) home.setSecret('demo-password', process.env.TASKGATE_DEMO_PASSWORD);
  const password = demo ? home.secret('demo-password') : null;
  const result = await runSetup({
    script: join(root, 'apps/gateway/src/setup.ts'),
    cwd: join(root, 'apps/gateway'),
    logs: home.logs,
    signal: halt.signal,
    env: {
      ...shared,
      ...(demo ? { TASKGATE_DEMO_PASSWORD: password ?? '', TASKGATE_DEMO_TARGET_URL: targetUrl ?? '' } : {}),
    },
  });
  if (stopping) return;
  delete shared.TASKGATE_DEMO_PASSWORD; // from here on nobody needs it
  progress('store is set up');

  const start = (name: string, folder: string, args: readonly string[], env: NodeJS.ProcessEnv): void => {
    const child = startProcess({
      name,
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', ...args],
      cwd: join(root, folder),
      env: { ...shared, ...env },
      logs: home.logs,
      register,
    });
    processes.push(child);
    void child.exited.then((how) => {
      if (!stopping) void fail(new Error(describeEnd(child.name, how, child.lastWords(), child.logFile)));
    });
  };
  // Both bound memory that a client could otherwise choose. The optimising compiler takes hundreds of megabytes for the
  // SQL grammar's WebAssembly, as soon as somebody sends long lists; what the baseline compiler makes is about as fast.
  // The young generation of the heap doubles whenever much survives a collection, and stays so.
  const flags = JSON.parse(readFileSync(join(root, 'apps/gateway/node-flags.json'), 'utf8')) as string[];
  start('gateway', 'apps/gateway', [...flags, join(root, 'apps/gateway/src/main.ts')], {});
  const next = programOf(join(root, 'apps/web'), 'next');
  start('web', 'apps/web', [next, dev ? 'dev' : 'start', '-H', HOST, '-p', String(web)], {
    NEXTAUTH_URL: webUrl,
    NEXTAUTH_SECRET: process.env.NEXTAUTH_SECRET || home.secret('nextauth-secret'),
  });
  for (const server of servers) {
    void server.exited.then(({ code, signal, lines }) => {
      const how = signal ?? `exit code ${code}`;
      if (!stopping) void fail(new Error(describeEnd(`the Postgres on port ${server.port}`, how, lines, home.logs)));
    });
  }

  await waitUntilReady(`http://${HOST}:${web}/api/health/ready`);
  if (stopping) return;
  progress('ready');
  const random = home.state().announced !== true && !process.env.TASKGATE_DEMO_PASSWORD;
  process.stdout.write(
    announcement({ webUrl, postgresPort: postgres, demo, home, result, password: random ? password : null }),
  );
  home.remember({ announced: true });
}

function homePath(): string {
  return process.env.TASKGATE_HOME || join(root, '.taskgate');
}

/** After a supervisor was killed: what it started is ended, in its order. */
async function endLeftovers(): Promise<void> {
  const home = openHome(homePath());
  await openProcessRegister(home.processesFile, progress);
  for (const name of ['demo-shop', 'store']) await stopEmbeddedPostgres(join(home.path, name), progress);
}

async function startStore(home: Home): Promise<string> {
  const server = await startOnKeptPort(home.state().storePort, FIRST_STORE_PORT, (port) =>
    launch(startEmbeddedServer({ home, name: 'store', port })),
  );
  home.remember({ storePort: server.port });
  return ensureRoleAndDatabase(server, STORE_NAME, home.secret('store-password'), STORE_NAME);
}

async function launch(starting: Promise<EmbeddedPostgres>): Promise<EmbeddedPostgres> {
  launches.push(starting);
  const server = await starting;
  servers.push(server);
  return server;
}

/** A server of its own: stopping the store must not stop the target. Its port is kept, since the resource names it. */
async function startDemoShop(home: Home): Promise<string> {
  const server = await startOnKeptPort(home.state().demoShopPort, FIRST_STORE_PORT, (port) =>
    launch(startEmbeddedServer({ home, name: 'demo-shop', port, settings: DEMO_SHOP_SETTINGS })),
  );
  const moved = server.port !== home.state().demoShopPort;
  home.remember({ demoShopPort: server.port });
  const password = home.secret('demo-shop-password');
  const url = await ensureRoleAndDatabase(server, DEMO_SHOP_ROLE, password, DEMO_SHOP_DATABASE, {
    mayCreateRoles: true,
    resetPassword: moved,
  });
  await installDemoShop(server);
  return url;
}

/** TASKGATE_DEMO where it is set; else what the first start of this home did: the demo, if the store was empty. */
async function decideDemo(home: Home, storeUrl: string): Promise<boolean> {
  const setting = process.env.TASKGATE_DEMO;
  if (setting !== undefined && setting !== '') {
    if (setting !== '0' && setting !== '1') throw new Error(`TASKGATE_DEMO is \`${setting}\`: use 1 or 0`);
    home.remember({ demo: setting === '1' });
    return setting === '1';
  }
  const demo = home.state().demo ?? (await isStoreEmpty(storeUrl));
  home.remember({ demo });
  return demo;
}

async function isStoreEmpty(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ empty: boolean }>(
      "select to_regclass('_prisma_migrations') is null as empty",
    );
    return rows[0]?.empty ?? false;
  } catch (cause) {
    throw new Error(`the store cannot be reached: check DATABASE_URL (${(cause as Error).message})`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function waitUntilReady(url: string): Promise<void> {
  let last = 'no answer';
  for (const until = performance.now() + READY_DEADLINE_MS; performance.now() < until; await delay(READY_POLL_MS)) {
    if (stopping) return;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(READY_REQUEST_MS) });
      if (response.status === 200) return;
      last = `${response.status} ${(await response.text()).slice(0, 500)}`;
    } catch (error) {
      last = (error as Error).message;
    }
  }
  throw new Error(`not ready after ${READY_DEADLINE_MS / 1000} s: ${url} last said: ${last}`);
}

function describeEnd(name: string, how: string, lines: readonly string[], log: string): string {
  const words = lines.map((line) => `    ${line}`).join('\n');
  return `${name} ended (${how}); everything else is stopped. It said last (${resolve(log)}):\n${words}`;
}

function onStopSignal(): void {
  if (stopping && performance.now() - stopAskedAt > SECOND_SIGNAL_AFTER_MS) process.exit(1); // kills what is left
  if (stopping) return;
  progress('stopping');
  void stopEverything().then(() => {
    progress('stopped');
    process.exit(0);
  });
}

async function fail(error: unknown): Promise<void> {
  if (stopping) return; // what breaks while everything goes down is no news
  const stopped = stopEverything();
  const known = error instanceof PortTakenError || error instanceof AlreadyRunningError;
  const text = error instanceof Error ? (known || !process.env.TASKGATE_DEBUG ? error.message : error.stack) : error;
  process.stderr.write(`\n${text}\n`);
  await stopped;
  process.exit(1);
}

/** The gateway first (it drains its sessions), then the web, then the demo target, and the store last. */
function stopEverything(): Promise<void> {
  stopAskedAt ||= performance.now();
  halt.abort();
  stopping ??= (async () => {
    for (const child of processes) await child.stop(child.name === 'gateway' ? GATEWAY_STOP_MS : WEB_STOP_MS);
    const launched = await Promise.allSettled(launches);
    for (const launch of launched.reverse()) if (launch.status === 'fulfilled') await launch.value.stop();
  })();
  return stopping;
}

function killEverything(): void {
  for (const child of processes) child.kill();
  for (const server of servers) {
    try {
      signalGroup(server.pid, 'SIGQUIT');
    } catch {
      // gone already
    }
  }
}
