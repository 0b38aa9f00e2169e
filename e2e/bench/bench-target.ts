import { randomBytes } from 'node:crypto';
import { pgbenchPath, runCommand } from '@taskgate/testkit';
import pg from 'pg';
import { insideOf, type SystemFacts } from '../system.ts';

/** How one way in is dialled. */
export interface Way {
  readonly name: 'direct' | 'pgbouncer' | 'bare proxy' | 'gate';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** Rows of the tables that are read whole. */
export const BULK_ROWS = 1_000_000;
const PEOPLE = 100_000;
const PGBENCH_SCALE = 5;

const TASK = (name: string, masks: string): string => `kind: Task
name: ${name}
purpose: Measures how fast the gate is
resource: bench
who: { groups: [analysts] }
access: { ttl: 8h }
allow:
  - select: [public.people, public.big, public.pgbench_accounts, public.pgbench_tellers, public.pgbench_branches]
  - update: [public.pgbench_accounts, public.pgbench_tellers, public.pgbench_branches]
  - insert: public.pgbench_history
${masks}record: { results: masked }
`;
const MASKS = `mask:
  - columns: [public.people.email, public.big.email]
    as: email
  - kinds: [card-number, ssn, secret]
`;

/** Makes the tables in the demo's target, a resource for them, and two tasks: one that masks, and one that does not. */
export async function prepareBench(
  facts: SystemFacts,
): Promise<{ readonly direct: Way; readonly grant: (task: string) => Promise<Way> }> {
  const { targetSuperuserUrl } = insideOf(facts);
  const url = new URL(targetSuperuserUrl);
  const password = randomBytes(16).toString('hex');
  const admin = new pg.Client({ connectionString: targetSuperuserUrl });
  await admin.connect();
  await admin.query(`create role bench login createrole password '${password}'`);
  await admin.query('create database bench owner bench');
  await admin.end();
  const direct: Way = {
    name: 'direct',
    host: url.hostname,
    port: Number(url.port),
    database: 'bench',
    user: 'bench',
    password,
  };
  const owner = new pg.Client(direct);
  await owner.connect();
  for (const [table, rows] of [
    ['people', PEOPLE],
    ['big', BULK_ROWS],
  ] as const)
    await owner.query(`create table public.${table} as select i as id, 'Customer ' || i as name,
      'customer' || i || '@example.com' as email, i * 7 % 100000 as amount from generate_series(1, ${rows}) i`);
  await owner.query('alter table public.people add primary key (id)');
  await owner.end();
  const made = await runCommand(
    pgbenchPath(),
    [
      '-i',
      '-q',
      '-s',
      String(PGBENCH_SCALE),
      ...['-h', direct.host, '-p', String(direct.port), '-U', direct.user, 'bench'],
    ],
    { env: { PGPASSWORD: password }, timeoutMs: 120_000 },
  );
  if (made.code !== 0) throw new Error(made.stderr);

  const call = async <T>(token: string | null, path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${facts.webUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const signIn = async (email: string): Promise<string> =>
    (await call<{ token: string }>(null, '/login', { email, password: facts.password })).token;
  const adminToken = await signIn('admin@demo.test');
  const resource = `kind: Resource
name: bench
purpose: Measures how fast the gate is
type: postgres
host: ${direct.host}
port: ${direct.port}
database: bench
username: bench
tls: { mode: disable }
secret: env:BENCH
`;
  await call(adminToken, '/documents/apply', { source: resource, secrets: { bench: password } });
  for (const [name, masks] of [
    ['bench-masked', MASKS],
    ['bench-clear', ''],
  ] as const)
    await call(adminToken, '/documents/apply', { source: TASK(name, masks) });
  const engineer = await signIn('engineer@demo.test');
  return {
    direct,
    async grant(task) {
      const { id } = await call<{ id: string }>(engineer, '/grants', { task, reason: 'bench', ttlMs: null });
      const { token } = await call<{ token: string }>(engineer, `/grants/${id}/activate`, {});
      return {
        name: 'gate',
        host: '127.0.0.1',
        port: facts.postgresPort,
        database: 'bench',
        user: task,
        password: token,
      };
    },
  };
}
