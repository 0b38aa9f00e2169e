import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretValue } from '@taskgate/core';
import { migrate } from '@taskgate/db';
import { freePort, startTestPostgres, type TestDatabase, type TestPostgres, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServices, type Services } from './context.ts';
import { loadGroups } from './people/load-groups.ts';
import { signIn } from './people/sign-in.ts';
import { CLIENT, MIGRATIONS } from './testing/test-services.ts';
import { withTransaction } from './with-transaction.ts';

let server: TestPostgres;
let database: TestDatabase;
let url: string;
let home: string;

beforeAll(async () => {
  server = await startTestPostgres({ own: true });
  database = await server.createDatabase();
  url = database.url;
  home = await mkdtemp(join(tmpdir(), 'taskgate-context-'));
  await migrate({ connectionString: url, directory: MIGRATIONS });
});
afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

const log = { info: () => {}, warn: () => {}, error: () => {} };
const settings = {
  webUrl: 'http://127.0.0.1:3000',
  postgresHost: '127.0.0.1',
  postgresPort: 1,
  consolePort: 2,
  recordingsDirectory: '/nowhere',
  spoolDirectory: '/nowhere',
};
const open = (databaseUrl = url, folder = home): Promise<Services> =>
  createServices({ databaseUrl: new SecretValue(databaseUrl), home: folder, settings, log, poolSize: 2 });

describe('the services', () => {
  it('open the same signing key from every process, first starts at once included', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    const again = await open();
    expect(new Set([...opened, again].map((services) => services.signer.keyId)).size).toBe(1);
    await Promise.all([...opened, again].map((services) => services.close()));
  });

  it('do not open a store with another master key', async () => {
    await expect(open(url, join(home, 'other'))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('not the one this store was sealed with'),
    });
  });

  it('say that the store is unavailable, and nothing else, when it cannot be reached or goes away', async () => {
    const nowhere = `postgresql://u:canary-word@127.0.0.1:${await freePort()}/x`;
    await expect(open(nowhere)).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.not.stringContaining('canary-word'),
    });
    const services = await open();
    const ctx = { services, actor: { kind: 'system', via: 'setup' } } as const;
    expect(await loadGroups(ctx)).toEqual([]);
    const unavailable = { code: 'store-unavailable' };
    // What a store says that shuts down, or has lost one of its processes.
    const cut = expect(withTransaction(ctx, (tx) => tx.$queryRaw`select pg_sleep(60)::text`)).rejects.toMatchObject(
      unavailable,
    );
    await waitUntil(
      async () =>
        (
          await database.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(60)%'`,
          )
        ).length > 0,
    );
    await cut;
    await server.kill();
    await expect(loadGroups(ctx)).rejects.toMatchObject(unavailable);
    await expect(withTransaction(ctx, (tx) => tx.group.count())).rejects.toMatchObject(unavailable);
    // Written by hand, once every connection of the pool is gone: Prisma has another code for it.
    for (let n = 0; n < 3; n++) await expect(services.db.$queryRaw`select 1`).rejects.toMatchObject(unavailable);
    await expect(
      signIn(services, { email: 'a@test.example', password: 'a long password' }, CLIENT),
    ).rejects.toMatchObject(unavailable);
    await server.restart();
    await expect(withTransaction(ctx, (tx) => tx.group.count())).resolves.toBe(0);
    await services.close();
  });
});
