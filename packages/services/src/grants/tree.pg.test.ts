import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAudit } from '../audit/load-audit.ts';
import type { ServiceContext } from '../context.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { loadInbox } from '../inbox/load-inbox.ts';
import { authenticateGrantToken } from '../people/authenticate-grant-token.ts';
import { createApiToken } from '../people/create-api-token.ts';
import { loadMe } from '../people/load-me.ts';
import { updateUser } from '../people/update-user.ts';
import { loadSessions } from '../sessions/load-sessions.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { loadWorkflow } from '../workflows/load-workflows.ts';
import { saveWorkflow } from '../workflows/save-workflow.ts';
import { activateGrant } from './activate-grant.ts';
import { approveGrant } from './approve-grant.ts';
import { endGrant } from './end-grant.ts';
import { expireGrants } from './expire-grants.ts';
import { loadGrant, loadGrants } from './load-grants.ts';
import { loadRuns } from './load-runs.ts';
import { loadTree } from './load-tree.ts';
import { mintGrant } from './mint-grant.ts';
import { openConsole } from './open-console.ts';
import { requestGrant } from './request-grant.ts';

const DOCUMENTS = `kind: Task
name: export-orders
purpose: The orders, for the figures
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 2h }
allow:
  - select: public.orders
  - select: public.customers
    columns: [id, name, country]
mask:
  - columns: public.customers.name
    as: redact
limits: { rows: 1000, connections: 2 }
---
kind: Task
name: hours-only
purpose: Only in the morning
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 8h, when: 'now.hour < 12' }
allow:
  - select: public.orders
---
kind: Workflow
name: nightly-figures
purpose: Refresh the figures every night
who: { groups: [analysts] }
access: { ttl: 1h, reason: required }
steps:
  - { task: sales-report }
  - { task: export-orders, after: sales-report }
  - { task: shop-admin, after: export-orders }
limits: { rows: 5000 }
---
kind: Workflow
name: morning-run
purpose: Starts nothing in the afternoon
who: { groups: [analysts] }
access: { ttl: 8h, when: 'now.hour < 12' }
steps:
  - { task: export-orders }
`;

let shop: TestShop;
const minute = 60_000;
const hour = 60 * minute;
beforeAll(async () => {
  shop = await startTestShop();
  await applyDocuments(shop.setup, { source: DOCUMENTS });
});
afterAll(() => shop.stop());

async function startWorkflow(person: TestPerson = shop.engineer): Promise<{ id: string; token: string }> {
  const { id } = await requestGrant(person.ctx, { workflow: 'nightly-figures', reason: 'the night', ticket: 'T-9' });
  const { token, connect } = await activateGrant(person.ctx, { id });
  expect(connect).toBeNull();
  return { id, token };
}
const startTask = (task = 'export-orders', person: TestPerson = shop.engineer) => shop.activeGrant(task, person);
const mint = (
  parentId: string,
  wish: Omit<Parameters<typeof mintGrant>[1], 'parentId'> = {},
  ctx = shop.engineer.ctx,
) => mintGrant(ctx, { parentId, ...wish });
const end = (id: string, more: object = {}, ctx: ServiceContext = shop.engineer.ctx) => endGrant(ctx, { id, ...more });
const stateOf = async (id: string, ctx = shop.admin.ctx) => {
  const { state, endReason } = await loadGrant(ctx, { id });
  return endReason ?? state;
};
async function bearer(token: string): Promise<ServiceContext> {
  const actor = await authenticateGrantToken(shop.services, token);
  if (actor === null) throw new Error('the token stands for nobody');
  return { services: shop.services, actor };
}
async function problemsOf(
  work: Promise<unknown>,
): Promise<{ code: string; problems: { path: string; message: string }[] }> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  return error as Awaited<ReturnType<typeof problemsOf>>;
}

describe('a workflow', () => {
  it('is a document with revisions that cannot be changed, on tasks that exist', async () => {
    const workflow = await loadWorkflow(shop.engineer.ctx, { name: 'nightly-figures' });
    expect(workflow).toMatchObject({ revision: 1, mayActivate: true, reasonRequired: true, limits: { rows: 5000 } });
    expect(workflow.steps).toEqual([
      { task: 'sales-report', after: [], resource: 'demo-shop' },
      { task: 'export-orders', after: ['sales-report'], resource: 'demo-shop' },
      { task: 'shop-admin', after: ['export-orders'], resource: 'demo-shop' },
    ]);
    const source = (name: string, task: string) =>
      `kind: Workflow\nname: ${name}\npurpose: A job\nwho: { groups: [analysts] }\naccess: { ttl: 1h }\nsteps:\n  - { task: ${task} }\n`;
    const { ctx } = shop.admin;
    expect(await refusal(saveWorkflow(ctx, { source: source('a-job', 'no-such-task') }))).toBe('bad-input');
    // A client says whom it means by the name alone.
    expect(await refusal(saveWorkflow(ctx, { source: source('sales-report', 'export-orders') }))).toBe('bad-input');
    expect(await refusal(saveWorkflow(shop.engineer.ctx, { source: source('a-job', 'export-orders') }))).toBe(
      'forbidden',
    );
    await expect(
      shop.database.query(`update workflow_revisions set source = 'another' where revision = 1`),
    ).rejects.toThrow(/immutable/);
  });

  it('is asked for as a task is: by whom it names, with its reason, for no longer than it says', async () => {
    const ask = (ctx: ServiceContext, wish: object) => requestGrant(ctx, { workflow: 'nightly-figures', ...wish });
    expect(await refusal(ask(shop.auditor.ctx, { reason: 'x' }))).toBe('forbidden');
    expect(await refusal(ask(shop.engineer.ctx, {}))).toBe('bad-input');
    expect(await refusal(ask(shop.engineer.ctx, { reason: 'x', ttlMs: 2 * hour }))).toBe('bad-input');
    expect(await refusal(ask(shop.engineer.ctx, { reason: 'x', task: 'sales-report' }))).toBe('bad-input');
    await expect(requestGrant(shop.engineer.ctx, { task: 'nightly-figures', reason: 'x' })).rejects.toThrow(
      /`nightly-figures` is a workflow, not a task/,
    );
  });

  it('opens nothing itself, and says so to who tries', async () => {
    const { id } = await startWorkflow();
    await expect(shop.controlPlane.openGrant(id)).rejects.toThrow(/workflow, which opens nothing itself/);
    expect(await refusal(shop.controlPlane.leaseCredential(id))).toBe('invalid-state');
    expect(await refusal(shop.session(id))).toBe('invalid-state');
    expect(await refusal(openConsole(shop.engineer.ctx, { id }))).toBe('invalid-state');
    // The gate finds it by its name, so that it can say so.
    const { verifiers } = await shop.controlPlane.findCandidates('nightly-figures');
    expect(verifiers.map(({ grantId }) => grantId)).toContain(id);
    await end(id);
  });

  it('starts its steps in their order, each as a grant of its own, and no other task', async () => {
    const { id } = await startWorkflow();
    expect(await refusal(mint(id))).toBe('bad-input');
    expect(await refusal(mint(id, { task: 'fix-order-status' }))).toBe('wider-than-parent');
    await expect(mint(id, { task: 'export-orders' })).rejects.toThrow(/`sales-report`, which has not started/);
    const first = await mint(id, { task: 'sales-report' });
    expect(first.grant).toMatchObject({
      task: 'sales-report',
      step: 'sales-report',
      parentId: id,
      depth: 1,
      reason: 'the night',
      ticket: 'T-9',
      root: { id, name: 'nightly-figures' },
    });
    expect(first.connect?.user).toBe('sales-report');
    await expect(mint(id, { task: 'export-orders' })).rejects.toThrow(/has not completed yet/);
    await end(first.grant.id, { outcome: 'failed', exitCode: 3 });
    await expect(mint(id, { task: 'export-orders' })).rejects.toThrow(/did not complete \(failed, exit 3\)/);
    expect((await loadTree(shop.engineer.ctx, { id })).steps.map(({ state }) => state)).toEqual([
      'failed',
      'blocked',
      'blocked',
    ]);
    // Tried again, the newest try counts.
    shop.clock.advance(1);
    await end((await mint(id, { task: 'sales-report' })).grant.id);
    const second = await mint(id, { task: 'export-orders' });
    expect((await loadTree(shop.engineer.ctx, { id })).steps.map(({ state }) => state)).toEqual([
      'completed',
      'running',
      'blocked',
    ]);
    await end(id);
    expect(await stateOf(second.grant.id)).toBe('parent-ended');
  });

  it('starts no step while any try of what it comes after is alive, whichever try completed', async () => {
    const { id } = await startWorkflow();
    const older = await mint(id, { task: 'sales-report' });
    shop.clock.advance(1);
    await end((await mint(id, { task: 'sales-report' })).grant.id);
    await expect(mint(id, { task: 'export-orders' })).rejects.toThrow(/has not completed yet/);
    await end(older.grant.id, { outcome: 'failed' });
    await mint(id, { task: 'export-orders' });
    await end(id);
  });

  it('starts no step that waited for its approval while what it comes after was tried again and failed', async () => {
    const { id } = await startWorkflow();
    for (const task of ['sales-report', 'export-orders']) await end((await mint(id, { task })).grant.id);
    const { grant } = await mint(id, { task: 'shop-admin' });
    for (const { ctx } of shop.reviewers.slice(0, 2)) await approveGrant(ctx, { id: grant.id });
    shop.clock.advance(1);
    const again = await mint(id, { task: 'export-orders' });
    const activate = () => activateGrant(shop.engineer.ctx, { id: grant.id });
    await expect(activate()).rejects.toThrow(/`export-orders`, which has not completed yet/);
    await end(again.grant.id, { outcome: 'failed', exitCode: 3 });
    await expect(activate()).rejects.toThrow(/did not complete \(failed, exit 3\)/);
    shop.clock.advance(1);
    await end((await mint(id, { task: 'export-orders' })).grant.id);
    await activate();
    await end(id);
  });

  it('keeps the revisions of its steps’ tasks for as long as it runs', async () => {
    const { id } = await startWorkflow();
    const narrower = `kind: Task
name: sales-report
purpose: Nothing any more
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 1h }
allow: []
limits: { rows: 10000, connections: 2 }
record: { readers: [auditors] }
`;
    const before = (
      await shop.database.query<{ source: string }>(
        `select r.source from task_revisions r join tasks t on t.id = r."taskId" where t.name = 'sales-report' and revision = 1`,
      )
    )[0]!.source;
    await applyDocuments(shop.setup, { source: narrower });
    const { grant } = await mint(id, { task: 'sales-report' });
    expect(grant.taskRevision).toBe(1);
    expect((await shop.controlPlane.openGrant(grant.id)).task.source).toBe(before);
    await applyDocuments(shop.setup, { source: before });
    await end(id);
  });

  it('waits with a step whose task needs an approval, and shows who decides what tree it is of', async () => {
    const { id } = await startWorkflow();
    for (const task of ['sales-report', 'export-orders']) await end((await mint(id, { task })).grant.id);
    const { grant, token } = await mint(id, { task: 'shop-admin' });
    expect(token).toBeNull();
    expect(grant).toMatchObject({ state: 'requested', approvers: ['dba'], approvalsNeeded: 2 });
    const [first, second] = shop.reviewers;
    const inbox = await loadInbox(first.ctx, { view: 'mine' });
    expect(inbox.items).toContainEqual(
      expect.objectContaining({
        id: grant.id,
        grant: expect.objectContaining({ root: expect.objectContaining({ id, name: 'nightly-figures' }) }),
      }),
    );
    expect(await refusal(activateGrant(shop.engineer.ctx, { id: grant.id }))).toBe('invalid-state');
    await approveGrant(first.ctx, { id: grant.id });
    await approveGrant(second.ctx, { id: grant.id });
    const active = await activateGrant(shop.engineer.ctx, { id: grant.id });
    expect(active.connect?.user).toBe('shop-admin');
    // Its end is the workflow's: it started later, and has no longer.
    const { expiresAt } = await loadGrant(shop.engineer.ctx, { id });
    expect(Date.parse(active.grant.expiresAt!)).toBeLessThanOrEqual(Date.parse(expiresAt!));
    await end(id);
  });

  it('lets nobody approve what is asked for under a grant of theirs', async () => {
    const both = await shop.person('both', [], ['analysts', 'dba']);
    const { id } = await startWorkflow(both);
    for (const task of ['sales-report', 'export-orders'])
      await end((await mint(id, { task }, both.ctx)).grant.id, {}, both.ctx);
    const other = shop.reviewers[2];
    const { grant } = await mint(id, { task: 'shop-admin', identityId: other.id }, both.ctx);
    expect(grant.requestedBy.email).toBe(other.email);
    expect(await refusal(approveGrant(both.ctx, { id: grant.id }))).toBe('forbidden');
    expect(await refusal(approveGrant(other.ctx, { id: grant.id }))).toBe('forbidden');
    await end(id, {}, both.ctx);
  });
});

describe('a grant under another', () => {
  it('is decided by its own document, and has the narrower of both limits and ends', async () => {
    const { id } = await startTask();
    const { grant } = await mint(id, {
      narrow: { allow: [{ select: 'public.customers', columns: ['id', 'country'] }], limits: { rows: 10 } },
      ttlMs: 5 * minute,
    });
    expect(grant).toMatchObject({ task: 'export-orders', ttlMs: 5 * minute, parentId: id, step: null });
    expect(grant.narrowed.map(({ what, dimension }) => [dimension, what])).toContainEqual(['limit', 'limits.rows']);
    const opened = await shop.controlPlane.openGrant(grant.id);
    expect(opened.limits).toMatchObject({ rows: 10, connections: 2 });
    expect(opened.task.source).toContain('country');
    expect(opened.task.source).not.toContain('public.orders');
    expect(opened.policies.map(({ name }) => name)).toEqual(['customer-data']);
    const parent = await shop.controlPlane.openGrant(id);
    expect(parent.task.source).toContain('public.orders');
    expect(opened.expiresAt).toBeLessThan(parent.expiresAt);
    const late = await mint(id, { ttlMs: 24 * hour });
    expect(Date.parse(late.grant.expiresAt!)).toBe(parent.expiresAt);
    await end(id);
  });

  it('is refused with what is wider, by its dimension and its name', async () => {
    const { id } = await startTask();
    const refused = async (narrow: object) => {
      const { code, problems } = await problemsOf(mint(id, { narrow }));
      expect(code).toBe('wider-than-parent');
      return problems.map(({ message }) => message).join('\n');
    };
    expect(await refused({ allow: [{ select: 'public.customers', columns: ['id', 'ssn'] }] })).toMatch(
      /^column: .*ssn/,
    );
    expect(await refused({ allow: [{ select: 'public.payments' }] })).toMatch(/^relation: .*payments/);
    expect(await refused({ allow: [{ delete: 'public.orders' }] })).toMatch(/delete/);
    expect((await problemsOf(mint(id, { narrow: { allow: [{ sel: 'x' }] } }))).code).toBe('bad-input');
    expect(
      (await problemsOf(mint(id, { narrow: { allow: [{ select: 'public.customers', columns: ['ssn'] }] } })))
        .problems[0]!.path,
    ).toBe('narrow.allow.0');
    expect(await refusal(mint(id, { task: 'sales-report' }))).toBe('wider-than-parent');
    // A child of a child is held to the child.
    const child = await mint(id, { narrow: { allow: [{ select: 'public.customers', columns: ['id'] }] } });
    const grown = await problemsOf(
      mint(child.grant.id, { narrow: { allow: [{ select: 'public.customers', columns: ['id', 'country'] }] } }),
    );
    expect(grown.code).toBe('wider-than-parent');
    expect(grown.problems[0]!.message).toMatch(/country/);
    await end(id);
  });

  it('is of a tree that is at most eight deep', async () => {
    const root = await startTask();
    let parent = root.id;
    for (let depth = 1; depth <= 8; depth++) {
      const { grant } = await mint(parent);
      expect(grant.depth).toBe(depth);
      parent = grant.id;
    }
    expect(await refusal(mint(parent))).toBe('invalid-state');
    await end(root.id);
    expect(await stateOf(parent)).toBe('parent-ended');
  });

  it('starts only while the conditions of all above it hold, and for no longer than its own task gives', async () => {
    const day = 24 * hour;
    const toTenMinutesBeforeNoon = () =>
      shop.clock.advance(((day + 12 * hour - (shop.clock.now() % day)) % day) + day - 10 * minute);
    toTenMinutesBeforeNoon();
    const task = await startTask('hours-only');
    const workflow = (await requestGrant(shop.engineer.ctx, { workflow: 'morning-run' })).id;
    await activateGrant(shop.engineer.ctx, { id: workflow });
    const { grant } = await mint(task.id);
    // The step's own task has no condition, and two hours where the workflow has eight.
    const step = await mint(workflow, { task: 'export-orders', ttlMs: day });
    expect(Date.parse(step.grant.expiresAt!) - shop.clock.now()).toBe(2 * hour);
    shop.clock.advance(20 * minute);
    // What is open stays; nothing starts.
    expect(await stateOf(grant.id)).toBe('active');
    expect(await refusal(mint(grant.id))).toBe('forbidden');
    await expect(mint(workflow, { task: 'export-orders' })).rejects.toThrow(/`morning-run`, lets nothing start/);
    expect(await refusal(mint(step.grant.id))).toBe('forbidden');
    await end(task.id);
    await end(workflow);
  });

  it('stays where it stands, whatever a bug asks the store for', async () => {
    const { id } = await startTask();
    const { grant } = await mint(id);
    const other = await startTask();
    await expect(
      shop.database.query(`update grants set "parentId" = $1, "rootId" = $1, "ancestorIds" = array[$1] where id = $2`, [
        other.id,
        grant.id,
      ]),
    ).rejects.toThrow(/stays where it stands/);
    await expect(
      shop.database.query(`update grants set document = 'kind: Task' where id = $1`, [grant.id]),
    ).rejects.toThrow(/stays where it stands/);
    await expect(
      shop.database.query(
        `update grants set state = 'ended', "endedAt" = now(), "endReason" = 'revoked' where id = $1`,
        [id],
      ),
    ).rejects.toThrow(/leaves nothing alive/);
    await end(id);
    await end(other.id);
  });
});

describe('nothing survives its parent', () => {
  const treeOf = async (): Promise<{ root: string; all: string[] }> => {
    const root = (await startTask()).id;
    const child = (await mint(root)).grant.id;
    const sibling = (await mint(root)).grant.id;
    const grandchild = (await mint(child)).grant.id;
    return { root, all: [child, sibling, grandchild] };
  };

  it.each([
    ['completed', (id: string) => end(id)],
    ['failed', (id: string) => end(id, { outcome: 'failed', exitCode: 1 })],
    ['revoked', (id: string) => end(id, {}, shop.admin.ctx)],
    [
      'expired',
      async () => {
        shop.clock.advance(3 * hour);
        await expireGrants(shop.timer);
      },
    ],
  ] as const)('where it %s', async (reason, how) => {
    const { root, all } = await treeOf();
    await how(root);
    expect(await stateOf(root)).toBe(reason);
    for (const id of all) expect(await stateOf(id)).toMatch(/^(parent-ended|expired)$/);
    for (const id of all) expect(await refusal(shop.controlPlane.openGrant(id))).toMatch(/^grant-(ended|expired)$/);
    if (reason === 'failed') expect((await loadGrant(shop.admin.ctx, { id: root })).exitCode).toBe(1);
  });

  it('where only a part of the tree ends, the rest stays', async () => {
    const { root, all } = await treeOf();
    const [child, sibling, grandchild] = all;
    await end(child!);
    expect(await stateOf(grandchild!)).toBe('parent-ended');
    expect(await stateOf(sibling!)).toBe('active');
    expect(await stateOf(root)).toBe('active');
    await end(root);
  });

  it('where whose it is, or whose a grant above it is, is disabled', async () => {
    const owner = await shop.person('owner', [], ['analysts']);
    const helper = await shop.person('helper', [], ['analysts']);
    const { id } = await startTask('export-orders', owner);
    const helped = (await mint(id, { identityId: helper.id }, owner.ctx)).grant.id;
    const below = (await mint(helped, { identityId: owner.id }, helper.ctx)).grant.id;
    await updateUser(shop.setup, { id: helper.id, disabled: true });
    expect([await stateOf(id), await stateOf(helped), await stateOf(below)]).toEqual([
      'active',
      'revoked',
      'parent-ended',
    ]);
    const again = (await mint(id, { identityId: shop.otherEngineer.id }, owner.ctx)).grant.id;
    await updateUser(shop.setup, { id: owner.id, disabled: true });
    expect([await stateOf(id), await stateOf(again)]).toEqual(['revoked', 'parent-ended']);
  });

  it('when it ends at the very moment that children are made', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await startTask();
      const child = (await mint(id)).grant.id;
      const results = await Promise.allSettled([
        ...Array.from({ length: 6 }, (_, i) => mint(i % 2 === 0 ? id : child)),
        end(id),
        ...Array.from({ length: 6 }, (_, i) => mint(i % 2 === 0 ? child : id)),
      ]);
      const failed = results.filter((result) => result.status === 'rejected');
      for (const { reason } of failed) expect(['grant-ended', 'invalid-state', 'conflict']).toContain(reason.code);
      const alive = await shop.database.query<{ id: string }>(
        `select id from grants where "rootId" = $1 and state <> 'ended'`,
        [id],
      );
      expect(alive).toEqual([]);
    }
  });
});

describe('the token of a grant, at the API', () => {
  it('shows, makes and ends grants of its own subtree', async () => {
    const { id, token } = await startWorkflow();
    const job = await bearer(token);
    const { grant } = await mint(id, { task: 'sales-report' }, job);
    expect(new Set((await loadGrants(job, {})).items.map((one) => one.id))).toEqual(new Set([grant.id, id]));
    expect((await loadTree(job, { id })).nodes.map((node) => node.grant.id)).toEqual([id, grant.id]);
    await end(grant.id, { outcome: 'failed', exitCode: 2 }, job);
    await end(id, {}, job);
    expect(await authenticateGrantToken(shop.services, token)).toBeNull();
  });

  it('reaches neither its parent, nor its siblings, nor anything else of its owner’s or of anybody', async () => {
    const root = await startTask();
    const child = await mint(root.id);
    const sibling = await mint(root.id);
    const other = await startTask('export-orders', shop.otherEngineer);
    const job = await bearer(child.token!);
    for (const id of [root.id, sibling.grant.id, other.id]) {
      expect(await refusal(loadGrant(job, { id }))).toBe('not-found');
      expect(await refusal(loadTree(job, { id }))).toBe('not-found');
      expect(await refusal(mint(id, {}, job))).toBe('not-found');
      expect(await refusal(end(id, {}, job))).toBe('not-found');
      expect(await refusal(activateGrant(job, { id }))).toBe('not-found');
    }
    expect((await loadTree(job, { id: child.grant.id })).nodes.map((node) => node.grant.id)).toEqual([child.grant.id]);
    // A child ends at its parent's word, too.
    const above = await bearer(root.token);
    expect((await end(sibling.grant.id, {}, above)).endReason).toBe('completed');
    await end(root.id);
  });

  it('is nothing to ask for anything else with', async () => {
    const { id, token } = await startTask();
    const job = await bearer(token);
    expect(job.actor).toMatchObject({
      via: 'grant-token',
      viaId: id,
      scopes: ['task:read', 'grant:request'],
      roles: [],
    });
    const works: (() => Promise<unknown>)[] = [
      () => requestGrant(job, { task: 'sales-report' }),
      () => openConsole(job, { id }),
      () => loadInbox(job, {}),
      () => createApiToken(job, { name: 'more', scopes: ['grant:request'], ttlDays: 1 } as never),
      () => loadSessions(job, {}),
      () => loadMe(job),
    ];
    for (const work of works) expect(await refusal(Promise.resolve().then(work))).toBe('forbidden');
    await end(id);
  });

  it('is not somebody else’s to mint under: a grant is its owner’s', async () => {
    const { id } = await startTask();
    expect(await refusal(mint(id, {}, shop.otherEngineer.ctx))).toBe('not-found');
    expect(await refusal(mint(id, {}, shop.admin.ctx))).toBe('forbidden');
    expect(await refusal(mint(id, {}, shop.auditor.ctx))).toBe('forbidden');
    await end(id);
  });
});

describe('a tree', () => {
  it('is read by who may see it, with filters of sessions and audit by any node', async () => {
    const { id } = await startTask();
    const child = (await mint(id, { narrow: { limits: { rows: 100 } } })).grant.id;
    const grandchild = (await mint(child)).grant.id;
    const session = await shop.session(grandchild);
    const tree = await loadTree(shop.engineer.ctx, { id: grandchild });
    expect(tree.rootId).toBe(id);
    expect(tree.nodes.map(({ grant, sessions }) => [grant.id, grant.depth, sessions.live])).toEqual([
      [id, 0, 0],
      [child, 1, 0],
      [grandchild, 2, 1],
    ]);
    expect((await loadTree(shop.auditor.ctx, { id: child })).nodes).toHaveLength(3);
    expect(await refusal(loadTree(shop.otherEngineer.ctx, { id: child }))).toBe('not-found');

    const sessionsUnder = async (node: string) =>
      (await loadSessions(shop.engineer.ctx, { node })).items.map((one) => one.id);
    expect(await sessionsUnder(id)).toEqual([session]);
    expect(await sessionsUnder(child)).toEqual([session]);
    const other = await startTask();
    expect(await sessionsUnder(other.id)).toEqual([]);

    const audited = async (node: string) =>
      (await loadAudit(shop.auditor.ctx, { node })).items.map(({ action }) => action).sort();
    expect(await audited(grandchild)).toEqual(['grant.activate', 'grant.mint', 'session.start']);
    expect((await audited(id)).filter((action) => action === 'grant.mint')).toHaveLength(2);
    await end(id);
    await end(other.id);
  });
});

describe('the list of runs', () => {
  const runsOf = async (ctx: ServiceContext, input = {}) =>
    (await loadRuns(ctx, { limit: 200, ...input })).items.map(({ grant }) => grant.id);

  it('has workflows and tasks with a grant below, by their root, newest first, and nothing else', async () => {
    const alone = await startTask();
    shop.clock.advance(1000);
    const parent = await startTask();
    const child = (await mint(parent.id)).grant.id;
    shop.clock.advance(1000);
    const workflow = await startWorkflow();
    const listed = await runsOf(shop.engineer.ctx);
    expect(listed.slice(0, 2)).toEqual([workflow.id, parent.id]);
    expect(listed).not.toContain(alone.id);
    expect(listed).not.toContain(child);
    expect(await runsOf(shop.engineer.ctx, { of: 'nightly', state: 'active' })).toContain(workflow.id);
    expect(await runsOf(shop.engineer.ctx, { of: 'export' })).not.toContain(workflow.id);
    const first = await loadRuns(shop.engineer.ctx, { limit: 1 });
    const second = await loadRuns(shop.engineer.ctx, { limit: 1, cursor: first.nextCursor! });
    expect([first, second].map(({ items }) => items[0]!.grant.id)).toEqual([workflow.id, parent.id]);
    for (const { id } of [alone, parent, workflow]) await end(id);
  });

  it('counts what the whole tree did, and is of nobody who may not see the root', async () => {
    const { id } = await startTask();
    const child = (await mint(id)).grant.id;
    const sibling = (await mint(id)).grant.id;
    const session = await shop.session(child);
    await shop.services.db.session.update({
      where: { id: session },
      data: { operationCount: 5, deniedCount: 1, heldCount: 1 },
    });
    await end(sibling, { outcome: 'failed', exitCode: 3 });
    const run = (await loadRuns(shop.auditor.ctx, {})).items.find(({ grant }) => grant.id === id);
    expect(run).toMatchObject({
      grants: { total: 3, live: 2, failed: 1 },
      sessions: { total: 1, live: 1 },
      operations: { allow: 3, deny: 1, hold: 1 },
    });
    expect(await runsOf(shop.otherEngineer.ctx)).not.toContain(id);
    expect(await runsOf(shop.engineer.ctx, { mine: true })).toContain(id);
    expect(await runsOf(shop.auditor.ctx, { mine: true })).not.toContain(id);
    // A session says what run it is a part of.
    const [listed] = (await loadSessions(shop.engineer.ctx, { node: child })).items;
    expect(listed?.run).toEqual({ id, name: 'export-orders' });
    await end(id);
    const alone = await startTask();
    await shop.session(alone.id);
    expect((await loadSessions(shop.engineer.ctx, { node: alone.id })).items[0]?.run).toBeNull();
    await end(alone.id);
  });
});
