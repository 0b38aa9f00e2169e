import 'server-only';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { createServices, type Log, type Services } from '@taskgate/services';
import { env } from '@/env.ts';

const line =
  (level: string) =>
  (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    process.stderr.write(
      `${JSON.stringify({ at: new Date().toISOString(), level, from: 'web', message, ...fields })}\n`,
    );
  };
const log: Log = { info: line('info'), warn: line('warn'), error: line('error') };

// One for the process: Next bundles each route by itself, and each copy of this module would open a pool of its own.
const holder = globalThis as { taskgateServices?: Promise<Services> | undefined };

/** The services, opened at the first use. Throws `store-unavailable` where there is no store yet; the next call tries again. */
export function services(): Promise<Services> {
  holder.taskgateServices ??= open().catch((error: unknown) => {
    holder.taskgateServices = undefined;
    throw error;
  });
  return holder.taskgateServices;
}

async function open(): Promise<Services> {
  const settings = env();
  if (settings.databaseUrl === null) throw new TaskgateError('store-unavailable', 'no store is set: give DATABASE_URL');
  // `next start` runs in the web's own folder; under `next dev` there is no build.
  const build = await readFile(path.join(process.cwd(), '.next', 'BUILD_ID'), 'utf8').catch(() => null);
  return createServices({
    databaseUrl: new SecretValue(settings.databaseUrl),
    home: settings.home,
    masterKey: settings.masterKey === null ? undefined : new SecretValue(settings.masterKey),
    log,
    settings: {
      webUrl: settings.webUrl,
      postgresHost: settings.postgresHost,
      postgresPort: settings.postgresPort,
      consolePort: settings.consolePort,
      recordingsDirectory: settings.recordingsDirectory,
      spoolDirectory: settings.spoolDirectory,
      ...(build === null || settings.development ? {} : { build: build.trim() }),
    },
  });
}

export { log };
