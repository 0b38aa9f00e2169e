import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from './migrate.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../prisma/migrations');
let server: TestPostgres;
let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'taskgate-migrations-'));
  await cp(MIGRATIONS, directory, { recursive: true });
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

const run = () => migrate({ connectionString: database.url, directory });
const add = async (name: string, sql: string) => {
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, 'migration.sql'), sql);
};
const shipped = async () => (await readdir(MIGRATIONS)).filter((name) => /^\d{14}_/.test(name)).sort();

/**
 * What Prisma's client relies on, a line each. That a list is never NULL is left out, as models cannot say it; so are
 * checks, triggers and indexes of some of the rows.
 */
const SHAPE = `
  SELECT format('%s.%s %s %s default %s', c.oid::regclass, attname, format_type(atttypid, atttypmod),
    CASE WHEN attnotnull OR attndims > 0 THEN 'not null' ELSE 'null' END, pg_get_expr(adbin, adrelid)) AS line
  FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef d ON adrelid = c.oid AND adnum = attnum
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid
  WHERE relnamespace = 'public'::regnamespace AND indpred IS NULL
  UNION ALL
  SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')`;
const shapeOf = async (one: TestDatabase) =>
  (await one.query<{ line: string }>(SHAPE)).map(({ line }) => line).filter((line) => !line.includes('_prisma_migr'));

describe('migrations', () => {
  it('make what the models say, and nothing else that a client would see', async () => {
    const script = join(import.meta.dirname, '../../../scripts/create-migration.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--whole'], { maxBuffer: 10_000_000 });
    const models = await server.createDatabase();
    await models.query(stdout);
    await run();
    const [migrated, said] = [await shapeOf(database), await shapeOf(models)];
    await models.drop();
    expect(said.length).toBeGreaterThan(100);
    expect(migrated.toSorted()).toEqual(said.toSorted());
  });

  it('are applied once, in order, however many processes start at once', async () => {
    await add('29990101000000_b', 'INSERT INTO a VALUES (1)');
    await add('29980101000000_a', 'CREATE TABLE a (id int)');
    const results = await Promise.all([run(), run(), run()]);
    expect(results.flatMap((result) => result.applied)).toEqual([
      ...(await shipped()),
      '29980101000000_a',
      '29990101000000_b',
    ]);
    expect(await database.query('SELECT id FROM a')).toEqual([{ id: 1 }]);
    expect(await run()).toEqual({ applied: [] });
  });

  it('that fail are rolled back whole and can be tried again', async () => {
    await add('29990101000000_half', 'CREATE TABLE half (id int); SELECT 1/0');
    await expect(run()).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('division by zero'),
    });
    expect(await database.query("SELECT to_regclass('half') AS there")).toEqual([{ there: null }]);
    await writeFile(join(directory, '29990101000000_half', 'migration.sql'), 'CREATE TABLE half (id int)');
    expect(await run()).toEqual({ applied: ['29990101000000_half'] });
  });

  it('edited after they were applied stop the start', async () => {
    await run();
    const [first] = await shipped();
    const file = join(directory, first!, 'migration.sql');
    await writeFile(file, `${await readFile(file, 'utf8')}\n-- edited`);
    await expect(run()).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('was edited'),
    });
  });

  it('that this version does not know stop the start: the store is newer', async () => {
    await add('29990101000000_newer', 'SELECT 1');
    await run();
    await rm(join(directory, '29990101000000_newer'), { recursive: true });
    await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('start the newer version') });
  });

  it('older than the last one applied stop the start', async () => {
    await run();
    await add('20000101000000_late', 'SELECT 1');
    await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('give it a later time') });
  });

  it('say that the store cannot be reached without its password', async () => {
    const refusal = migrate({ connectionString: 'postgresql://u:canary-word@127.0.0.1:1/x', directory });
    await expect(refusal).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining('canary-word') });
  });
});

describe('the store itself', () => {
  beforeEach(run);
  const at = `'2026-01-01'`;

  it('refuses to change, delete or truncate audit rows', async () => {
    await database.query(
      `INSERT INTO audit (id, at, via, action, "subjectKind", subject) VALUES ('a', ${at}, 'x', 'x', 'x', 'x')`,
    );
    for (const sql of [`UPDATE audit SET action = 'y'`, 'DELETE FROM audit', 'TRUNCATE audit'])
      await expect(database.query(sql)).rejects.toThrow(/audit is append-only/);
  });

  it('refuses to change a revision but by publishing it, once', async () => {
    await database.query(`
      INSERT INTO policies (id, name, "latestRevision", "createdAt", "updatedAt") VALUES ('p', 'p', 1, ${at}, ${at});
      INSERT INTO policy_revisions ("policyId", revision, source, "createdById", "createdAt") VALUES ('p', 1, 'old', 'u', ${at})`);
    const immutable = /immutable|append-only/;
    await expect(database.query(`UPDATE policy_revisions SET source = 'new'`)).rejects.toThrow(immutable);
    await expect(database.query(`UPDATE policy_revisions SET source = 'new', "publishedAt" = ${at}`)).rejects.toThrow(
      immutable,
    );
    await database.query(`UPDATE policy_revisions SET "publishedAt" = ${at}`);
    await expect(database.query(`UPDATE policy_revisions SET "publishedAt" = NULL`)).rejects.toThrow(immutable);
    await expect(database.query('DELETE FROM policy_revisions')).rejects.toThrow(immutable);
    await expect(database.query('TRUNCATE policy_revisions')).rejects.toThrow(immutable);
  });

  it('refuses values outside the closed sets', async () => {
    const refused = /violates check constraint/;
    await expect(
      database.query(`INSERT INTO groups (id, name, roles, "createdAt") VALUES ('g', 'g', '{root}', ${at})`),
    ).rejects.toThrow(refused);
    await expect(
      database.query(
        `INSERT INTO identities (id, email, name, "passwordHash", "createdAt") VALUES ('u', 'A@b', 'n', 'h', ${at})`,
      ),
    ).rejects.toThrow(refused);
  });
});
