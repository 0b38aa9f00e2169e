import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SecretValue } from '@taskgate/core';
import { type EmbeddedPostgres, findPostgresBinaries, startEmbeddedPostgres } from '@taskgate/embedded-postgres';
import pg from 'pg';

const TEMPLATE_VERSION = 'v1';
/** Speed over safety: a test's data dies with it. */
const TEST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: '60',
  autovacuum: 'off',
};

export interface TestPostgresOptions {
  /** Server settings on top of fast ones. With any, the server is the caller's own, not the shared one. */
  readonly settings?: Readonly<Record<string, string>>;
  /** True: never the shared server, for tests that kill it or make roles. */
  readonly own?: boolean;
}

export interface TestDatabase {
  readonly name: string;
  /** `postgresql://` URL of the superuser, password included. */
  readonly url: string;
  /** A connected client of the superuser; ended with the database at the latest. */
  connect(): Promise<pg.Client>;
  /** One statement or script on a connection of its own; the rows of the last. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Drops it and every connection to it. */
  drop(): Promise<void>;
}

export interface TestPostgres {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Name of the superuser. */
  readonly user: string;
  readonly password: string;
  /** Lines of the server's log so far. */
  readonly log: readonly string[];
  url(database: string): string;
  /** A new empty database, by default with a random name. */
  createDatabase(name?: string): Promise<TestDatabase>;
  /** SIGKILL, as if the machine took it away; returns once it is gone. */
  kill(): Promise<void>;
  /** Starts again on the same port and data after {@link TestPostgres.kill} or a stop of one's own. */
  restart(): Promise<void>;
  /** Stops it and deletes its data; the shared one when its last user has stopped it. */
  stop(): Promise<void>;
}

let shared: { server: Promise<TestPostgres>; users: number } | null = null;

/**
 * A real Postgres server in a temporary folder. Without options all callers of one vitest worker share one; each stops
 * it once in `afterAll`. Starting takes a fraction of a second: the data directory is copied from a template made once.
 */
export async function startTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  if (options.own || options.settings) return startOwn(options.settings ?? {});
  shared ??= { server: startOwn({}), users: 0 };
  const mine = shared;
  mine.users++;
  const server = await mine.server;
  let stopped = false;
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    stop: async () => {
      if (stopped) return;
      stopped = true;
      if (--mine.users > 0) return;
      if (shared === mine) shared = null;
      await server.stop();
    },
  };
}

async function startOwn(settings: Readonly<Record<string, string>>): Promise<TestPostgres> {
  await removeLeftovers();
  const template = await templateFolder();
  const secret = await readFile(join(template, 'password'), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), `taskgate-test-${process.pid}-`));
  await chmod(folder, 0o711); // root's server runs as another user
  const dataDirectory = join(folder, 'data');
  await copyFolder(join(template, 'data'), dataDirectory);

  const log: string[] = [];
  const start = (port: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      dataDirectory,
      port,
      superuserPassword: new SecretValue(secret),
      settings: { ...TEST_SETTINGS, ...settings },
      log: (line) => log.push(line),
    });
  let server = await start(0);
  const killAtExit = (): void => {
    signal(server.pid, 'SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAtExit);

  const url = (database: string): string => server.connectionUrl(database).reveal((value) => value);
  const { host, port, superuser } = server;
  return {
    host,
    port,
    user: superuser,
    password: secret,
    log,
    get pid() {
      return server.pid;
    },
    url,
    createDatabase: (name) => createDatabase(url, name ?? `test_${randomBytes(6).toString('hex')}`),
    kill: async () => {
      signal(server.pid, 'SIGKILL');
      await server.exited;
    },
    restart: async () => {
      await server.stop();
      server = await start(port);
    },
    stop: async () => {
      process.off('exit', killAtExit);
      signal(server.pid, 'SIGQUIT'); // nothing to keep, so nothing to flush
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createDatabase(url: (database: string) => string, name: string): Promise<TestDatabase> {
  await once(url('postgres'), `create database ${pg.escapeIdentifier(name)}`);
  const clients: pg.Client[] = [];
  return {
    name,
    url: url(name),
    connect: async () => {
      const client = new pg.Client({ connectionString: url(name) });
      client.on('error', () => undefined); // the server may be killed under it
      await client.connect();
      clients.push(client);
      return client;
    },
    query: (sql, values) => once(url(name), sql, values),
    drop: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      await once(url('postgres'), `drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
    },
  };
}

async function once<Row extends pg.QueryResultRow>(
  connectionString: string,
  sql: string,
  values?: readonly unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(sql, values && [...values]);
    return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? [];
  } finally {
    await client.end();
  }
}

/** Makes (once a machine and user) an initialised data directory and its password; two at the same time do no harm. */
async function templateFolder(): Promise<string> {
  const parent = tmpdir();
  const folder = join(
    parent,
    `taskgate-template-${TEMPLATE_VERSION}-${findPostgresBinaries().version}-${process.getuid?.() ?? 0}`,
  );
  if (await mine(folder)) return folder;
  const partial = await mkdtemp(`${folder}-new-`);
  await chmod(partial, 0o711);
  const secret = randomBytes(18).toString('hex');
  await writeFile(join(partial, 'password'), secret, { mode: 0o600 });
  const server = await startEmbeddedPostgres({
    dataDirectory: join(partial, 'data'),
    port: 0,
    superuserPassword: new SecretValue(secret),
    settings: TEST_SETTINGS,
    log: () => undefined,
  });
  await server.stop();
  try {
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await mine(folder))) throw error;
  }
  return folder;
}

/** A shared temporary folder lets others make names in it: only our own counts. */
async function mine(folder: string): Promise<boolean> {
  const info = await stat(folder).catch(() => null);
  if (info === null) return false;
  if (process.getuid && info.uid !== process.getuid()) throw new Error(`\`${folder}\` belongs to somebody else`);
  return true;
}

/** With owners and modes, which Node's own copy does not keep. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(join(to, '..'), { recursive: true });
  await promisify(execFile)('cp', ['-a', from, to]);
}

/** A worker that was killed leaves its server, which ends by itself within a minute once its data is gone. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^taskgate-test-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || signal(Number(owner), 0)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
