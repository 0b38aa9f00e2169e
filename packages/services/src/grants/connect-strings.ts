import type { ConnectStrings } from '@taskgate/contracts';
import type * as z from 'zod';
import type { ServiceSettings } from '../context.ts';

export type ConnectView = z.infer<typeof ConnectStrings>;

/** How each client connects. None of these holds the token: a command line is seen by others and kept in histories. */
export function toConnectStrings(
  settings: Pick<ServiceSettings, 'postgresHost' | 'postgresPort'>,
  task: string,
  database: string,
): ConnectView {
  const { postgresHost: host, postgresPort: port } = settings;
  // On loopback nobody is in between; anywhere else the gate speaks TLS only, and the client must insist on it.
  const tls = !isLoopback(host);
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const name = encodeURIComponent(database);
  const words = [
    `host=${conninfo(host)}`,
    `port=${port}`,
    `user=${conninfo(task)}`,
    `dbname=${conninfo(database)}`,
    ...(tls ? ['sslmode=require'] : []),
  ];
  return {
    host,
    port,
    user: task,
    database,
    psql: `psql ${doubleQuoted(words.join(' '))}`,
    uri: `postgresql://${task}@${bracketed}:${port}/${name}${tls ? '?sslmode=require' : ''}`,
    jdbc: `jdbc:postgresql://${bracketed}:${port}/${name}?user=${task}${tls ? '&sslmode=require' : ''}`,
    env: [
      `PGHOST=${shellWord(host)}`,
      `PGPORT=${port}`,
      `PGUSER=${shellWord(task)}`,
      `PGDATABASE=${shellWord(database)}`,
      ...(tls ? ['PGSSLMODE=require'] : []),
    ].join('\n'),
  };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** A value of a libpq connection string (libpq, section 34.1.1.1). */
function conninfo(value: string): string {
  return /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** One word for a POSIX shell: names come from people, and the line is made to be pasted. */
function doubleQuoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, '\\$&')}"`;
}

function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
