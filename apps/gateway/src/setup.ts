// Run to its end before the gateway and the web start: migrates the store, then installs the demo or opens the way for
// the first admin. Prints one line of JSON on stdout; everything else goes to stderr.

import path from 'node:path';
import { text } from 'node:stream/consumers';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { migrate } from '@taskgate/db';
import { createServices, DEMO_USERS, issueSetupToken, type Services, setupDemo, signInCli } from '@taskgate/services';
import { cliCredentialsFile, readCliCredentials, writeCliCredentials } from './cli-credentials.ts';
import { createJsonLog } from './json-log.ts';

const MIGRATIONS = path.join(import.meta.dirname, '../../../prisma/migrations');
const CLI_USER = DEMO_USERS.find((user) => user.role === 'engineer')!.email;

const log = createJsonLog((line) => process.stderr.write(line));

try {
  process.stdout.write(`${JSON.stringify(await setup(process.env))}\n`);
} catch (error) {
  // The text of anything else may repeat a connection string.
  const known = error instanceof TaskgateError;
  log.error(known ? error.message : 'setup failed', { code: known ? error.code : 'internal', ...detail(error) });
  process.exitCode = 1;
}

async function setup(environment: NodeJS.ProcessEnv): Promise<object> {
  const databaseUrl = required(environment, 'DATABASE_URL');
  const home = path.resolve(environment.TASKGATE_HOME || '.taskgate');
  const webUrl = (
    environment.TASKGATE_WEB_URL ||
    environment.TASKGATE_URL ||
    `http://127.0.0.1:${environment.TASKGATE_WEB_PORT || '3000'}`
  ).replace(/\/$/, '');
  const demo = environment.TASKGATE_DEMO === '1';

  const { applied } = await migrate({ connectionString: databaseUrl, directory: MIGRATIONS });
  if (applied.length > 0) log.info('the store was migrated', { applied });
  const services = await createServices({
    databaseUrl: new SecretValue(databaseUrl),
    home,
    masterKey: environment.TASKGATE_MASTER_KEY ? new SecretValue(environment.TASKGATE_MASTER_KEY) : undefined,
    settings: {
      webUrl,
      postgresHost: environment.TASKGATE_PUBLIC_HOST || '127.0.0.1',
      postgresPort: Number(environment.TASKGATE_POSTGRES_PORT || 15_432),
      consolePort: Number(environment.TASKGATE_CONSOLE_PORT || 18_081),
      recordingsDirectory: path.join(home, 'recordings'),
      spoolDirectory: path.join(home, 'spool'),
    },
    log,
    poolSize: 2,
  });
  try {
    return demo ? await installDemo(services, environment, webUrl) : await openFirstAdmin(services, webUrl);
  } finally {
    await services.close();
  }
}

async function installDemo(services: Services, environment: NodeJS.ProcessEnv, webUrl: string): Promise<object> {
  const given = environment.TASKGATE_DEMO_PASSWORD;
  const { signIns, newPassword } = await setupDemo(services, {
    target: await readTarget(environment),
    password: given ? new SecretValue(given) : null,
  });
  const elsewhere = await keepCliSignedIn(services, environment, webUrl);
  return {
    demo: true,
    signIns,
    ...(elsewhere === null ? {} : { commandLine: elsewhere }),
    ...(newPassword === null ? {} : { password: newPassword.reveal((password) => password) }),
  };
}

async function openFirstAdmin(services: Services, webUrl: string): Promise<object> {
  const token = await issueSetupToken(services);
  if (token === null) return { demo: false, signIns: [] };
  const setupToken = token.reveal((secret) => secret);
  // Behind the `#`: no server's log ever sees it.
  return { demo: false, signIns: [], setupToken, setupUrl: `${webUrl}/setup#${setupToken}` };
}

type DemoTarget = Parameters<typeof setupDemo>[1]['target'];

/** As JSON on stdin, or as a `postgresql://` URL in TASKGATE_DEMO_TARGET_URL; never an argument, which everybody sees. */
async function readTarget(environment: NodeJS.ProcessEnv): Promise<DemoTarget> {
  const url = environment.TASKGATE_DEMO_TARGET_URL;
  if (url) return targetOfUrl(url);
  let given: unknown;
  try {
    given = JSON.parse(await text(process.stdin));
  } catch {
    given = null; // the parser's message would repeat what it read
  }
  const { host, port, database, username, password } = (given ?? {}) as Record<string, unknown>;
  if (
    typeof host !== 'string' ||
    typeof port !== 'number' ||
    typeof database !== 'string' ||
    typeof username !== 'string' ||
    typeof password !== 'string'
  )
    throw new TaskgateError(
      'bad-input',
      'the demo target must be given as JSON on stdin, or `TASKGATE_DEMO_TARGET_URL`',
    );
  return { host, port, database, username, secret: new SecretValue(password) };
}

function targetOfUrl(given: string): DemoTarget {
  if (!URL.canParse(given)) throw new TaskgateError('bad-input', '`TASKGATE_DEMO_TARGET_URL` is not a URL');
  const url = new URL(given);
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)),
    username: decodeURIComponent(url.username),
    secret: new SecretValue(decodeURIComponent(url.password)),
  };
}

/**
 * Signs the command line of whoever starts the demo in, unless it is signed in elsewhere: where and as whom it stays signed
 * in, else `null`. A failure stops nothing.
 */
async function keepCliSignedIn(
  services: Services,
  environment: NodeJS.ProcessEnv,
  webUrl: string,
): Promise<{ readonly url: string; readonly email: string } | null> {
  const file = cliCredentialsFile(environment);
  const kept = await readCliCredentials(file);
  if (kept === 'unknown') {
    log.info('the sign-in of the command line cannot be read and stays as it is', { file });
    return null;
  }
  if (kept !== null && (kept.url !== webUrl || kept.email !== CLI_USER)) {
    log.info('the command line is signed in elsewhere and stays so', { file });
    return { url: kept.url, email: kept.email };
  }
  const token = await signInCli(services, { email: CLI_USER, kept: kept?.token ?? null });
  if (token === null || token === kept?.token) return null;
  try {
    await writeCliCredentials(file, { url: webUrl, token, email: CLI_USER });
  } catch (error) {
    log.warn('the command line could not be signed in; use `taskgate login`', { file, ...detail(error) });
  }
  return null;
}

function required(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name];
  if (!value) throw new TaskgateError('bad-input', `${name} is not set`);
  return value;
}

/** What of an unexpected error can be printed: its kind and where it happened. */
function detail(error: unknown): object {
  if (!(error instanceof Error)) return {};
  const code = 'code' in error ? String(error.code) : undefined;
  const at = error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 5)
    .map((line) => line.trim());
  return { kind: error.name, reason: code, at };
}
