import { spawn } from 'node:child_process';
import {
  activateGrant,
  applyDocuments,
  endGrant,
  loadTree,
  type MintView,
  mintGrant,
  requestGrant,
  type ServiceContext,
  updateUser,
} from '@taskgate/services';
import { psqlPath, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoGateway, startDemoGateway } from './testing/start-demo-gateway.ts';

// The task tree with a real store, gate, target and psql.

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

let demo: DemoGateway;
let engineer: ServiceContext;
let engineerId: string;
let setup: ServiceContext;

beforeAll(async () => {
  demo = await startDemoGateway({});
  ({ engineer } = demo);
  engineerId = demo.engineerId;
  setup = { services: demo.services, actor: { kind: 'system', via: 'setup' } };
  await applyDocuments(setup, { source: WORKFLOW });
}, 300_000);
afterAll(() => demo?.remove());

async function startWorkflow(): Promise<{ id: string; token: string }> {
  const { id } = await requestGrant(engineer, { workflow: 'nightly-figures', reason: 'a test' });
  const { token } = await activateGrant(engineer, { id });
  return { id, token };
}
const mint = (parentId: string, wish: Omit<Parameters<typeof mintGrant>[1], 'parentId'> = {}): Promise<MintView> =>
  mintGrant(engineer, { parentId, ...wish });

function argsOf(user: string, sql: readonly string[]): string[] {
  const connection = `host=127.0.0.1 port=${demo.port} user=${user} dbname=${demo.target.name}`;
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
    const rows = await demo.target.query(
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
        await demo.target.query<{ names: string }>(
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
