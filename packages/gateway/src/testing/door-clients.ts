import { psqlPath, runCommand } from '@taskgate/testkit';
import pg from 'pg';
import type { MemoryGrant } from './memory-control-plane.ts';
import type { TestDoor } from './open-test-door.ts';

/** The real psql, with this grant's token. */
export function psqlThrough(door: TestDoor, grant: MemoryGrant, ...commands: string[]) {
  const target = `host=127.0.0.1 port=${door.port} user=${grant.grant.task.name} dbname=${door.database.name} sslmode=disable`;
  return runCommand(
    psqlPath(),
    ['-X', '-A', '-t', '-v', 'VERBOSITY=verbose', ...commands.flatMap((command) => ['-c', command]), target],
    { env: { PGPASSWORD: grant.token } },
  );
}

/** node-postgres, with this grant's token. */
export async function connectThrough(door: TestDoor, grant: MemoryGrant): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: door.port,
    user: grant.grant.task.name,
    database: door.database.name,
    password: grant.token,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
