import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseDurationMs, SecretValue } from '@taskgate/core';

/** Half of the cores: the web, and often the store, are on the same machine. Each has its own connections to the store. */
const MAX_DEFAULT_PROCESSES = 4;
const MAX_PROCESSES = 32;

/** The only place of this app that reads the environment. */
export function readEnvironment(environment: NodeJS.ProcessEnv) {
  const home = path.resolve(environment.TASKGATE_HOME ?? '.taskgate');
  const databaseUrl = environment.DATABASE_URL;
  if (databaseUrl === undefined || databaseUrl === '')
    throw new Error('DATABASE_URL is not set: npm start sets it, or name your Postgres');
  const webUrl = (environment.TASKGATE_URL ?? `http://127.0.0.1:${environment.TASKGATE_WEB_PORT ?? '3000'}`).replace(
    /\/$/,
    '',
  );
  return {
    home,
    databaseUrl: new SecretValue(databaseUrl),
    masterKey:
      environment.TASKGATE_MASTER_KEY === undefined ? undefined : new SecretValue(environment.TASKGATE_MASTER_KEY),
    webUrl,
    /** Where the doors listen; anything but loopback lets other machines in (by TLS only). */
    listenHost: environment.TASKGATE_LISTEN_HOST ?? '127.0.0.1',
    /** What clients are told to connect to. */
    publicHost: environment.TASKGATE_PUBLIC_HOST ?? '127.0.0.1',
    postgresPort: portOf(environment.TASKGATE_POSTGRES_PORT, 15432, 'TASKGATE_POSTGRES_PORT'),
    consolePort: portOf(environment.TASKGATE_CONSOLE_PORT, 18081, 'TASKGATE_CONSOLE_PORT'),
    /** Of this gateway, behind one port. */
    processes: countOf(
      environment.TASKGATE_GATEWAY_PROCESSES,
      Math.min(MAX_DEFAULT_PROCESSES, availableParallelism()),
      'TASKGATE_GATEWAY_PROCESSES',
    ),
    /** How long sessions go on while the store does not answer. */
    leaseMs: durationOf(environment.TASKGATE_LEASE, '10m', 'TASKGATE_LEASE'),
    gatewayName: environment.TASKGATE_GATEWAY_NAME ?? 'gateway-1',
    /** PEM files of your own certificate; without them one is made at first start. */
    tlsCertificateFile: environment.TASKGATE_TLS_CERT ?? null,
    tlsKeyFile: environment.TASKGATE_TLS_KEY ?? null,
  };
}

function portOf(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${name} is \`${text}\`, which is not a port`);
  return port;
}

function countOf(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined || text === '') return fallback;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MAX_PROCESSES)
    throw new Error(`${name} is \`${text}\`: write a number from 1 to ${MAX_PROCESSES}`);
  return count;
}

function durationOf(text: string | undefined, fallback: string, name: string): number {
  const ms = parseDurationMs(text === undefined || text === '' ? fallback : text);
  if (ms === null || ms < 1) throw new Error(`${name} is \`${text}\`, which is not a duration: write 10m or 90s`);
  return ms;
}
