import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { SecretValue, TaskgateError } from '@taskgate/core';
import pg from 'pg';
import { findPostgresBinaries } from './binaries.ts';
import { clearPostmaster, readPostmasterState, stopProcess } from './postmaster.ts';
import { prepareServerPlace, type ServerPlace } from './server-account.ts';

const HOST = '127.0.0.1';
const SUPERUSER = 'postgres';
const START_DEADLINE_MS = 60_000; // recovery after a kill can take its time
const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 10;
const PORT_TRIES = 5;
const KEPT_LOG_LINES = 20;

export interface EmbeddedPostgresOptions {
  /** Made on the first start. As root it may become a link to the real place; see the returned `dataDirectory`. */
  readonly dataDirectory: string;
  /** 0: any free one. */
  readonly port: number;
  /** Databases that exist once it has started. */
  readonly databases?: readonly string[];
  /** Of the superuser `postgres`, set when the data directory is made. */
  readonly superuserPassword: SecretValue;
  /** Server settings by name, such as `log_statement`; they win over the data directory's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** One line of the server's log, without its end. */
  readonly log: (line: string) => void;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log. */
  readonly lines: readonly string[];
}

export interface EmbeddedPostgres {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly superuser: string;
  /** Where the data really is. */
  readonly dataDirectory: string;
  /** `postgresql://` URL of the superuser. */
  connectionUrl(database: string): SecretValue;
  /** Settles when the server process ends, for whatever reason. */
  readonly exited: Promise<ServerExit>;
  /** Fast shutdown, then an immediate one after 20 s. Returns once the process is gone; may be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a real Postgres server from npm's binaries, on 127.0.0.1 over TCP only (no socket file) and with SCRAM for
 * everybody. The data directory is initialised if it does not exist; a server still running on it is stopped first.
 * Throws {@link TaskgateError}: `conflict` when the port is taken, `not-supported`, or `store-unavailable` with the
 * server's last words.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const place = await prepareServerPlace(options.dataDirectory, findPostgresBinaries(), options.log);
  if (await exists(join(place.dataDirectory, 'PG_VERSION'))) {
    await clearPostmaster(place.dataDirectory, STOP_DEADLINE_MS, options.log);
  } else {
    await initialise(place, options.superuserPassword);
  }
  const server = await launch(place, options);
  try {
    await createDatabases(server, options.databases ?? []);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Stops the server that runs on a data directory, whoever started it; does nothing where there is none. */
export async function stopEmbeddedPostgres(dataDirectory: string, log: (line: string) => void): Promise<void> {
  if (await exists(join(dataDirectory, 'PG_VERSION'))) await clearPostmaster(dataDirectory, STOP_DEADLINE_MS, log);
}

async function launch(place: ServerPlace, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port;
    try {
      return await launchOnPort(place, options, port);
    } catch (error) {
      const taken = error instanceof TaskgateError && error.code === 'conflict';
      if (!taken || options.port !== 0 || attempt === PORT_TRIES) throw error;
    }
  }
}

async function launchOnPort(
  place: ServerPlace,
  options: EmbeddedPostgresOptions,
  port: number,
): Promise<EmbeddedPostgres> {
  const settings: Record<string, string> = {
    ...options.settings,
    listen_addresses: HOST,
    port: String(port),
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    log_destination: 'stderr',
    logging_collector: 'off',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawnProgram(place, 'postgres', ['-D', place.dataDirectory, ...args]);

  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    if (lines.length > KEPT_LOG_LINES) lines.shift();
    options.log(line);
  };
  createInterface({ input: child.stderr }).on('line', onLine);
  createInterface({ input: child.stdout }).on('line', onLine);

  let exit: ServerExit | null = null;
  const exited = new Promise<ServerExit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      exit ??= { code, signal, lines };
      resolve(exit);
    };
    child.once('error', (error) => {
      lines.push(error.message);
      end(null, null);
    });
    child.once('close', end);
  });
  const pid = child.pid ?? 0;

  for (const until = performance.now() + START_DEADLINE_MS; ; ) {
    if (exit) throw startFailure(port, lines);
    const state = await readPostmasterState(place.dataDirectory);
    if (state?.pid === pid && state.ready) break;
    if (performance.now() > until) {
      await stopProcess(pid, 0);
      throw startFailure(port, lines);
    }
    await delay(POLL_MS);
  }

  return {
    host: HOST,
    port,
    pid,
    superuser: SUPERUSER,
    dataDirectory: place.dataDirectory,
    connectionUrl: (database) =>
      options.superuserPassword.reveal(
        (password) =>
          new SecretValue(
            `postgresql://${SUPERUSER}:${encodeURIComponent(password)}@${HOST}:${port}/${encodeURIComponent(database)}`,
          ),
      ),
    exited,
    stop: async () => {
      if (!exit) await stopProcess(pid, STOP_DEADLINE_MS);
      await exited;
    },
  };
}

function startFailure(port: number, lines: readonly string[]): TaskgateError {
  const said = lines.join('\n');
  if (/address already in use|could not create any TCP\/IP sockets/i.test(said)) {
    return new TaskgateError('conflict', `port \`${port}\` of ${HOST} is taken by another process`);
  }
  return new TaskgateError('store-unavailable', `the embedded Postgres did not start: ${lines.slice(-6).join(' | ')}`);
}

/** Makes the data directory under another name and renames it, so that a start cut short leaves nothing half made. */
async function initialise(place: ServerPlace, superuserPassword: SecretValue): Promise<void> {
  const partial = `${place.dataDirectory}.new`;
  const passwordFile = `${place.dataDirectory}.${randomBytes(6).toString('hex')}.password`;
  const found = await readdir(place.dataDirectory).catch(() => []);
  if (found.length > 0) {
    throw new TaskgateError(
      'conflict',
      `\`${place.dataDirectory}\` holds something that is not a Postgres data directory`,
    );
  }
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  try {
    await superuserPassword.reveal((password) => writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' }));
    if (place.account) {
      await chown(partial, place.account.uid, place.account.gid);
      await chown(passwordFile, place.account.uid, place.account.gid);
    }
    await runProgram(place, 'initdb', [
      ...['-D', partial, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale=C', '--locale-provider=icu', '--icu-locale=und', '--no-instructions'],
    ]);
    // Narrower than initdb's own: TCP from this machine, SCRAM, no replication.
    await writeFile(join(partial, 'pg_hba.conf'), `host all all ${HOST}/32 scram-sha-256\n`);
    await rename(partial, place.dataDirectory); // fails on anything but an empty folder
  } finally {
    await rm(passwordFile, { force: true });
    await rm(partial, { recursive: true, force: true });
  }
}

async function runProgram(place: ServerPlace, program: string, args: readonly string[]): Promise<void> {
  const child = spawnProgram(place, program, args);
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new TaskgateError('store-unavailable', `\`${program}\` failed: ${said.trim()}`);
}

function spawnProgram(place: ServerPlace, program: string, args: readonly string[]) {
  return spawn(join(place.binaries, 'bin', program), args, {
    ...(place.account ?? {}),
    cwd: '/', // a relative or root-only working directory would make it fail
    // Nothing of ours: the environment holds other people's secrets, and PG* variables change what the programs do.
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    // Its own process group: a Ctrl-C in the terminal must not stop the store before what uses it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function createDatabases(server: EmbeddedPostgres, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const client = server.connectionUrl('postgres').reveal((connectionString) => new pg.Client({ connectionString }));
  try {
    await client.connect();
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database');
    const existing = new Set(rows.map((row) => row.datname));
    for (const name of names) {
      if (!existing.has(name)) await client.query(`create database ${pg.escapeIdentifier(name)}`);
    }
  } catch (cause) {
    const refused = (cause as { code?: string }).code === '28P01';
    throw new TaskgateError(
      refused ? 'credential-refused' : 'store-unavailable',
      refused
        ? `the data in \`${server.dataDirectory}\` was made with another superuser password`
        : `the embedded Postgres started but could not be prepared: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, HOST, resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new TaskgateError('internal', 'no free port was given');
  return address.port;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
