import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@taskgate/embedded-postgres';
import pg from 'pg';
import type { Home } from './home.ts';
import { rotateLog } from './log-file.ts';
import { findFreePort, isPortFree } from './ports.ts';

const PORT_TRIES = 10;

/** One of the supervisor's own Postgres servers: its data, superuser password and log are in the home. */
export async function startEmbeddedServer(options: {
  readonly home: Home;
  /** Names its data directory, its log and its secrets. */
  readonly name: string;
  readonly port: number;
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<EmbeddedPostgres> {
  const { home, name } = options;
  const log = createWriteStream(rotateLog(home.logs, name), { flags: 'a' });
  const server = await startEmbeddedPostgres({
    dataDirectory: join(home.path, name),
    port: options.port,
    superuserPassword: new SecretValue(home.secret(`${name}-superuser-password`)),
    settings: { shared_buffers: '64MB', max_connections: '100', ...options.settings },
    log: (line) => log.write(`${line}\n`),
  });
  void server.exited.then(() => log.end());
  return server;
}

/**
 * Starts on the port of the last start where it is still free (so that what was told to others stays true), else on the
 * first free one from `from` on. Another start may take a free port at the same moment: then on the next.
 */
export async function startOnKeptPort<T>(
  kept: number | undefined,
  from: number,
  start: (port: number) => Promise<T>,
): Promise<T> {
  let port = kept !== undefined && (await isPortFree(kept)) ? kept : await findFreePort(from);
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(port);
    } catch (error) {
      if (!(error instanceof TaskgateError) || error.code !== 'conflict' || attempt === PORT_TRIES) throw error;
      port = await findFreePort(port + 1);
    }
  }
}

/**
 * Makes sure of a login role that is no superuser (the server's superuser could run programs on this machine), and of a
 * database that it owns. Returns the role's `postgresql://` URL, which holds its password.
 */
export async function ensureRoleAndDatabase(
  server: EmbeddedPostgres,
  role: string,
  password: string,
  database: string,
  options: {
    /** The gate makes a role for each grant with it. It is no superuser all the same. */
    readonly mayCreateRoles?: boolean;
    /** Whoever rotated it kept the new one for where the server was before. */
    readonly resetPassword?: boolean;
  } = {},
): Promise<string> {
  const client = server.connectionUrl('postgres').reveal((connectionString) => new pg.Client({ connectionString }));
  await client.connect();
  try {
    const { rows } = await client.query<{ role: boolean; database: boolean }>(
      `select exists (select from pg_roles where rolname = $1) as role,
              exists (select from pg_database where datname = $2) as database`,
      [role, database],
    );
    const name = pg.escapeIdentifier(role);
    await client.query('set log_min_error_statement = panic'); // the server's log must not show the password
    if (!rows[0]?.role) await client.query(`create role ${name} login password ${pg.escapeLiteral(password)}`);
    else if (options.resetPassword === true)
      await client.query(`alter role ${name} password ${pg.escapeLiteral(password)}`);
    // Also where an older start made it without.
    if (options.mayCreateRoles === true) await client.query(`alter role ${name} createrole`);
    if (!rows[0]?.database) await client.query(`create database ${pg.escapeIdentifier(database)} owner ${name}`);
  } finally {
    await client.end();
  }
  return `postgresql://${role}:${encodeURIComponent(password)}@${server.host}:${server.port}/${database}`;
}
