import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TaskgateError } from '@taskgate/core';
import pg from 'pg';

export interface MigrateResult {
  /** Names, in order; empty when the store was up to date. */
  readonly applied: readonly string[];
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  /** Hex SHA-256 of the file, as Prisma computes it. */
  readonly checksum: string;
}

// The lock that `prisma migrate` takes too, so that the two never run at once.
const ADVISORY_LOCK = 72_707_369;
const CONNECT_TIMEOUT_MS = 10_000;

// As Prisma's schema engine makes it: `prisma migrate deploy` reads and goes on with the same table.
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;

/**
 * Applies the migrations of `directory` (`<time>_<name>/migration.sql`) that the store does not have, in order, each in
 * a transaction of its own, while holding an advisory lock: processes that start at once do it once. Throws
 * `store-unavailable` when the store cannot be reached, and `invalid-state` when it is newer than this code, when an
 * applied migration was edited since, or when one failed half-way.
 */
export async function migrate(options: {
  readonly connectionString: string;
  readonly directory: string;
}): Promise<MigrateResult> {
  const migrations = await readMigrations(options.directory);
  const client = new pg.Client({
    connectionString: options.connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'taskgate-migrate',
  });
  client.on('error', () => {}); // the query under way rejects with it
  try {
    await client.connect();
  } catch (cause) {
    throw new TaskgateError('store-unavailable', 'the store cannot be reached; check `DATABASE_URL`', { cause });
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(CREATE_HISTORY);
    const pending = pendingMigrations(migrations, await readHistory(client));
    for (const migration of pending) await apply(client, migration);
    return { applied: pending.map((migration) => migration.name) };
  } finally {
    await client.end(); // releases the lock
  }
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

interface HistoryRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

async function readHistory(client: pg.Client): Promise<readonly HistoryRow[]> {
  const { rows } = await client.query<HistoryRow>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
       FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return rows;
}

/** What is left to apply. Throws where the history and the files do not agree: guessing would damage the store. */
function pendingMigrations(migrations: readonly Migration[], history: readonly HistoryRow[]): readonly Migration[] {
  const refuse = (message: string): never => {
    throw new TaskgateError('invalid-state', message);
  };
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of history) {
    const name = `\`${row.migration_name}\``;
    const migration = known.get(row.migration_name);
    if (!migration)
      return refuse(`the store has migration ${name}, which this version does not know; start the newer version`);
    if (!row.finished)
      return refuse(
        `migration ${name} did not finish; restore the store, or resolve it with \`prisma migrate resolve\``,
      );
    if (row.checksum !== migration.checksum)
      return refuse(`migration ${name} was edited after it had been applied; restore the file`);
  }
  const applied = new Set(history.map((row) => row.migration_name));
  const pending = migrations.filter((migration) => !applied.has(migration.name));
  const last = migrations.findLast((migration) => applied.has(migration.name));
  const late = last && pending.find((migration) => migration.name < last.name);
  if (late) return refuse(`migration \`${late.name}\` is older than the last one applied; give it a later time`);
  return pending;
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    );
    await client.query('COMMIT');
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => {});
    const why = cause instanceof Error ? cause.message : 'unknown error';
    throw new TaskgateError('invalid-state', `migration \`${migration.name}\` failed and was rolled back: ${why}`, {
      cause,
    });
  }
}
