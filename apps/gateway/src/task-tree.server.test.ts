import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SecretValue } from '@taskgate/core';
import {
  activateGrant,
  applyDocuments,
  authenticateApiToken,
  createServices,
  endGrant,
  loadTree,
  type MintView,
  mintGrant,
  requestGrant,
  type ServiceContext,
  type Services,
  updateUser,
} from '@taskgate/services';
import {
  freePort,
  psqlPath,
  runCommand,
  startTestPostgres,
  type TestDatabase,
  type TestPostgres,
  waitUntil,
} from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The task tree with a real store, gate, target and psql.

const SCHEMA = `
  create table public.customers (id int primary key, name text, email text, phone text, ssn text, country text, created_at timestamptz default now());
  create table public.orders (id int primary key, customer_id int, status text, total_cents int, created_at timestamptz default now());
  create table public.order_items (id int primary key, order_id int, sku text, quantity int, price_cents int);
  create table public.payments (id int primary key, order_id int, card_number text, amount_cents int, paid_at timestamptz);
  insert into public.customers select i, 'name ' || i, 'a@b.example', '1', '123-45-6789', 'CH' from generate_series(1, 10) i;
  insert into public.orders select i, 1 + i % 10, 'open', i * 100 from generate_series(1, 1000) i;`;

const WORKFLOW = `kind: Workflow
name: nightly-figures
purpose: Two reports at once
who: { groups: [analysts] }
access: { ttl: 1h }
steps:
  - { task: sales-report }
  - { task: fix-order-status }
limits: { rows: 100 }
`;
const LONG = 'select count(*) from generate_series(1, 100000000000)';

let store: TestPostgres;
let storeDatabase: TestDatabase;
let target: TestPostgres;
let targetDatabase: TestDatabase;
let folder: string;
let gateway: ChildProcess;
let port: number;
let services: Services;
let engineer: ServiceContext;
let engineerId: string;
let setup: ServiceContext;

beforeAll(async () => {
  [store, target] = await Promise.all([startTestPostgres(), startTestPostgres()]);
  [storeDatabase, targetDatabase] = await Promise.all([store.createDatabase(), target.createDatabase()]);
  await targetDatabase.query(SCHEMA);
  folder = await mkdtemp(path.join(tmpdir(), 'taskgate-tree-'));
  const [postgresPort, consolePort, webPort] = [await freePort(), await freePort(), await freePort()];
  port = postgresPort;
  const home = path.join(folder, 'home');
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: storeDatabase.url,
    TASKGATE_HOME: home,
    XDG_CONFIG_HOME: path.join(folder, 'config'),
    TASKGATE_URL: `http://127.0.0.1:${webPort}`,
    TASKGATE_POSTGRES_PORT: `${postgresPort}`,
    TASKGATE_CONSOLE_PORT: `${consolePort}`,
  };
  const demoTarget = {
    host: target.host,
    port: target.port,
    database: targetDatabase.name,
    username: target.user,
    password: target.password,
  };
  const done = await runCommand(process.execPath, [path.join(import.meta.dirname, 'setup.ts')], {
    env: { ...env, TASKGATE_DEMO: '1' },
    input: JSON.stringify(demoTarget),
    timeoutMs: 120_000,
  });
  expect(done).toMatchObject({ code: 0 });
  const output = fs.openSync(path.join(folder, 'gateway.log'), 'a');
  gateway = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'main.ts')],
    { env, stdio: ['ignore', output, output] },
  );
  await waitUntil(
    async () => (await fetch(`http://127.0.0.1:${consolePort}/health`)).status === 200,
    60_000,
    'the gateway',
  );
  services = await createServices({
    databaseUrl: new SecretValue(storeDatabase.url),
    home,
    settings: {
      webUrl: 'http://127.0.0.1',
      postgresHost: '127.0.0.1',
      postgresPort: port,
      consolePort,
      recordingsDirectory: path.join(home, 'recordings'),
      spoolDirectory: path.join(home, 'spool'),
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    poolSize: 4,
  });
  setup = { services, actor: { kind: 'system', via: 'setup' } };
  const credentials = path.join(env.XDG_CONFIG_HOME, 'taskgate/credentials.json');
  const signedIn = JSON.parse(fs.readFileSync(credentials, 'utf8')) as { token: string };
  const actor = await authenticateApiToken(services, signedIn.token);
  if (actor === null) throw new Error('the command line of the demo is not signed in');
  engineer = { services, actor };
  engineerId = actor.identityId;
  await applyDocuments(setup, { source: WORKFLOW });
}, 300_000);

afterAll(async () => {
  await services?.close();
  const gone = new Promise((resolve) => gateway.once('close', resolve));
  gateway.kill('SIGTERM');
  await gone;
  await Promise.all([store.stop(), target.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function startWorkflow(): Promise<{ id: string; token: string }> {
  const { id } = await requestGrant(engineer, { workflow: 'nightly-figures', reason: 'a test' });
  const { token } = await activateGrant(engineer, { id });
  return { id, token };
}
const mint = (parentId: string, wish: Omit<Parameters<typeof mintGrant>[1], 'parentId'> = {}): Promise<MintView> =>
  mintGrant(engineer, { parentId, ...wish });

function argsOf(user: string, sql: readonly string[]): string[] {
  const connection = `host=127.0.0.1 port=${port} user=${user} dbname=${targetDatabase.name}`;
  return ['-X', '-A', '-t', '-d', connection, ...sql.flatMap((text) => ['-c', text])];
}
const psql = (user: string, token: string, ...sql: readonly string[]) =>
  runCommand(psqlPath(), argsOf(user, sql), { env: { PGPASSWORD: token }, timeoutMs: 30_000 });

/** psql under a statement that goes on for hours; `ended` says when it was over, and what it said. */
async function startLong(minted: MintView): Promise<{ ended: Promise<{ at: number; stderr: string }> }> {
  const user = minted.grant.task!;
  const child = spawn(psqlPath(), argsOf(user, [LONG]), {
    env: { ...process.env, PGPASSWORD: minted.token! },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ at: number; stderr: string }>((resolve) => {
    child.once('close', () => resolve({ at: performance.now(), stderr }));
  });
  const running = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`psql ended: ${stderr}`);
    const rows = await targetDatabase.query(
      `select 1 from pg_stat_activity where state = 'active' and usename like '%' || $1`,
      [minted.grant.id.slice(-12)],
    );
    return rows.length > 0;
  };
  await waitUntil(running, 30_000, 'the statement at the target');
  return { ended };
}

/** Clients with long statements under two steps of a run are gone within a second of `how`. */
async function expectAllCut(how: (rootId: string) => Promise<unknown>): Promise<void> {
  const root = await startWorkflow();
  const step = await mint(root.id, { task: 'sales-report' });
  const below = await mint(step.grant.id);
  const other = await mint(root.id, { task: 'fix-order-status' });
  const clients = [await startLong(below), await startLong(other)];
  await how(root.id);
  const endedAt = performance.now();
  for (const { ended } of clients) {
    const { at, stderr } = await ended;
    expect(stderr).toMatch(/a grant that it stood under has ended|the grant was ended/);
    expect(at - endedAt).toBeLessThan(1_000);
  }
}

describe('a tree at the gate', () => {
  it('cuts what runs in all of it within a second, when its owner ends the root', () =>
    expectAllCut((root) => endGrant(engineer, { id: root })));

  it('decides by the child’s document, and gives the child’s role no more than that at the target', async () => {
    const root = await startWorkflow();
    const wide = await mint(root.id, { task: 'sales-report' });
    const narrow = await mint(root.id, {
      task: 'sales-report',
      narrow: { allow: [{ select: 'public.customers', columns: ['id', 'country'] }] },
    });
    expect((await psql('sales-report', wide.token!, 'select name from customers where id = 1')).stdout.trim()).toBe(
      'name 1',
    );
    expect(
      (await psql('sales-report', narrow.token!, 'select country from customers where id = 1')).stdout.trim(),
    ).toBe('CH');
    const refused = await psql('sales-report', narrow.token!, 'select name from customers where id = 1');
    expect(refused.stderr).toContain('`name` of `public.customers` is not allowed');
    const rights = async (id: string) =>
      (
        await targetDatabase.query<{ names: string }>(
          `select string_agg(a.attname, ',' order by a.attname) as names
           from pg_roles r, pg_attribute a where r.rolname like '%' || $1 and a.attrelid = 'public.customers'::regclass
             and a.attnum > 0 and has_column_privilege(r.oid, a.attrelid, a.attnum, 'SELECT')`,
          [id.slice(-12)],
        )
      )[0]!.names;
    expect(await rights(narrow.grant.id)).toBe('country,id');
    expect(await rights(wide.grant.id)).toBe('country,email,id,name');
    await endGrant(engineer, { id: root.id });
  });

  it('tells a client with a workflow’s token that it opens nothing itself', async () => {
    const root = await startWorkflow();
    const { stderr, code } = await psql('nightly-figures', root.token, 'select 1');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/grant of a workflow, which opens nothing itself/);
    await endGrant(engineer, { id: root.id });
  });

  it('shares one budget: what one step has read, another cannot', async () => {
    const root = await startWorkflow();
    const one = await mint(root.id, { task: 'sales-report' });
    const two = await mint(root.id, { task: 'sales-report' });
    expect(
      (await psql('sales-report', one.token!, 'select id from orders limit 90')).stdout.trim().split('\n'),
    ).toHaveLength(90);
    await waitUntil(async () => (await subtreeRows(root.id)) === 90, 15_000, 'what was not used to be given back');
    const rest = await psql('sales-report', two.token!, 'select id from orders limit 90');
    expect(rest.stdout.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(10);
    expect(rest.stderr).toContain('rows');
    await endGrant(engineer, { id: root.id });
  });

  // The last one: it ends the sign-in of the others too.
  it('cuts what runs in all of it within a second, when whose it is is disabled', () =>
    expectAllCut(() => updateUser(setup, { id: engineerId, disabled: true })));
});

const subtreeRows = async (id: string): Promise<number> => {
  const { nodes } = await loadTree(engineer, { id });
  const rows = nodes[0]!.budget.find(({ dimension }) => dimension === 'rows')!;
  return rows.reserved === 0 ? rows.subtree : -1;
};
