import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startTestPostgres } from './test-postgres.ts';
import { waitUntil } from './wait-until.ts';

describe('startTestPostgres', () => {
  it('is one server for all callers without options, until the last of them stops it', async () => {
    const [a, b] = await Promise.all([startTestPostgres(), startTestPostgres()]);
    expect(a.port).toBe(b.port);
    const database = await a.createDatabase();
    await b.stop();
    await b.stop();
    expect(await database.query('select current_database() as name')).toEqual([{ name: database.name }]);
    await database.drop();
    await a.stop();
    await expect(database.connect()).rejects.toThrow();
  });

  it('can be killed and started again on the same port, with settings of its own', async () => {
    const server = await startTestPostgres({
      settings: { log_statement: 'all', fsync: 'on', synchronous_commit: 'on' },
    });
    const database = await server.createDatabase('kept');
    await database.query('create table t as select 7 as n');
    const [{ path }] = (await database.query<{ path: string }>(
      "select setting as path from pg_settings where name = 'data_directory'",
    )) as [{ path: string }];
    await waitUntil(() => server.log.some((line) => line.includes('create table t')));
    await server.kill();
    await server.restart();
    expect(await database.query('select n from t')).toEqual([{ n: 7 }]);
    await server.stop();
    expect(existsSync(path)).toBe(false);
  });
});
