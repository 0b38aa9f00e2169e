import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Role, SecretValue } from '@taskgate/core';
import { migrate } from '@taskgate/db';
import { type FakeClock, fakeClock, startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import { createServices, type IdentityActor, type ServiceContext, type Services } from '../context.ts';
import { createGroup } from '../people/create-group.ts';
import { createUser } from '../people/create-user.ts';
import { toActor } from '../people/to-actor.ts';
import { USER_SELECT } from '../people/user-view.ts';

export const PASSWORD = 'a long test password';
export const CLIENT = { address: '192.0.2.7', userAgent: 'test' } as const;

/** Services over a database of their own on a real server, migrated by the product's migrator. */
export interface TestServices {
  readonly services: Services;
  readonly clock: FakeClock;
  readonly server: TestPostgres;
  readonly database: TestDatabase;
  /** Lines of the log, as JSON. */
  readonly logged: readonly string[];
  /** The product itself, as setup: may do everything. */
  readonly setup: ServiceContext;
  /** A person in a group of their own with these roles; `groups` must exist. */
  person(name: string, roles: readonly Role[], groups?: readonly string[]): Promise<TestPerson>;
  stop(): Promise<void>;
}

export interface TestPerson {
  readonly id: string;
  readonly email: string;
  readonly actor: IdentityActor;
  readonly ctx: ServiceContext;
}

export const MIGRATIONS = join(import.meta.dirname, '../../../../prisma/migrations');

/** `startMs`: where the clock starts, for what a library compares with the real time. */
export async function startTestServices(startMs?: number): Promise<TestServices> {
  const server = await startTestPostgres();
  const database = await server.createDatabase();
  const home = await mkdtemp(join(tmpdir(), 'taskgate-services-'));
  await migrate({ connectionString: database.url, directory: MIGRATIONS });
  const clock = fakeClock(startMs);
  const logged: string[] = [];
  const log = (message: string, fields?: object): void => {
    logged.push(JSON.stringify({ message, ...fields }));
  };
  const services = await createServices({
    databaseUrl: new SecretValue(database.url),
    home,
    settings: {
      webUrl: 'http://127.0.0.1:3000',
      postgresHost: '127.0.0.1',
      postgresPort: 15432,
      consolePort: 18081,
      recordingsDirectory: join(home, 'recordings'),
      spoolDirectory: join(home, 'spool'),
    },
    log: { info: log, warn: log, error: log },
    poolSize: 5,
    clock,
  });
  const setup: ServiceContext = { services, actor: { kind: 'system', via: 'setup' } };
  return {
    services,
    clock,
    server,
    database,
    logged,
    setup,
    async person(name, roles, groups = []) {
      const own =
        roles.length === 0 ? [] : [(await createGroup(setup, { name: `${name}-group`, roles: [...roles] })).name];
      const email = `${name}@test.example`;
      await createUser(setup, { email, name, groups: [...own, ...groups], password: PASSWORD });
      const row = await services.db.identity.findUniqueOrThrow({ where: { email }, select: USER_SELECT });
      const actor = toActor(row, { via: 'session', viaId: 'web_none', limitedTo: null });
      return { id: row.id, email, actor, ctx: { services, actor } };
    },
    async stop() {
      await services.close();
      await database.drop();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
