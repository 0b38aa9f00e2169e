import { buildCatalog, buildRelation } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyDocuments } from '../documents/apply-documents.ts';
import { checkDocument } from '../documents/check-document.ts';
import { completeSource } from '../documents/complete-source.ts';
import { loadTemplate } from '../documents/load-template.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { loadPolicies, loadPolicy } from '../policies/load-policies.ts';
import { publishPolicy } from '../policies/publish-policy.ts';
import { savePolicy } from '../policies/save-policy.ts';
import { refusal, SHOP_DOCUMENTS, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { loadTask, loadTaskRevisions, loadTasks } from './load-tasks.ts';
import { publishTask } from './publish-task.ts';
import { saveTask } from './save-task.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

const source = (name: string, extra = ''): string => `kind: Task
name: ${name}
purpose: A task of a test
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.orders
${extra}`;

describe('a task', () => {
  it('is saved as immutable revisions, published one at a time, old ones again too', async () => {
    const { ctx } = shop.admin;
    const draft = await saveTask(ctx, { source: source('figures') });
    expect(draft).toMatchObject({ revision: null, latestRevision: 1, current: null, mayActivate: false });
    expect(await refusal(requestGrant(shop.engineer.ctx, { task: 'figures' }))).toBe('invalid-state');
    const first = await publishTask(ctx, { name: 'figures', revision: 1 });
    expect(first).toMatchObject({ revision: 1, current: { createdBy: { email: shop.admin.email } } });
    const same = await saveTask(ctx, { source: source('figures'), publish: true, baseRevision: 1 });
    expect(same.latestRevision).toBe(1);
    const second = await saveTask(ctx, {
      source: source('figures', 'limits: { rows: 5 }\n'),
      publish: true,
      baseRevision: 1,
    });
    expect(second).toMatchObject({ revision: 2, latestRevision: 2, limits: { rows: 5 } });
    await publishTask(ctx, { name: 'figures', revision: 1 });
    expect(await loadTask(ctx, { name: 'figures' })).toMatchObject({
      revision: 1,
      latestRevision: 2,
      limits: { rows: 100_000 },
      policies: [{ name: 'customer-data', revision: 1 }],
    });
    expect((await loadTaskRevisions(ctx, { name: 'figures' })).map((one) => one.revision)).toEqual([2, 1]);
    expect((await shop.audit(second.id)).map((row) => [row.action, row.after])).toEqual([
      ['task.save', { name: 'figures', revision: 1 }],
      ['task.publish', { name: 'figures', publishedRevision: 1 }],
      ['task.save', { name: 'figures', revision: 2 }],
      ['task.publish', { name: 'figures', publishedRevision: 2 }],
      ['task.publish', { name: 'figures', publishedRevision: 1 }],
    ]);
    await expect(
      shop.database.query(`update task_revisions set source = 'x' where "taskId" = '${second.id}'`),
    ).rejects.toThrow('immutable');
  });

  it('is not saved over a revision that came meanwhile, nor twice by two who race', async () => {
    const { ctx } = shop.admin;
    await saveTask(ctx, { source: source('raced') });
    const racing = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        saveTask(ctx, { source: source('raced', `limits: { rows: ${i + 1} }\n`), baseRevision: 1 }),
      ),
    );
    expect(racing.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(await refusal(saveTask(ctx, { source: source('raced', '# x\n'), baseRevision: 1 }))).toBe('conflict');
    const fresh = await Promise.allSettled(
      Array.from({ length: 5 }, () => saveTask(ctx, { source: source('fresh'), baseRevision: 0 })),
    );
    expect(fresh.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('needs the scope, a resource that exists, and stays on it', async () => {
    expect(await refusal(saveTask(shop.engineer.ctx, { source: source('x') }))).toBe('forbidden');
    expect(await refusal(publishTask(shop.reviewers[0].ctx, { name: 'sales-report', revision: 1 }))).toBe('forbidden');
    const elsewhere = source('sales-report').replace('demo-shop', 'no-such-shop');
    const error = await saveTask(shop.admin.ctx, { source: elsewhere }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'bad-input', problems: [{ path: 'resource', position: { line: 4 } }] });
    expect(await refusal(saveTask(shop.admin.ctx, { source: 'kind: Task\nname: broken\n' }))).toBe('bad-input');
    expect(await refusal(loadTask(shop.engineer.ctx, { name: 'nothing' }))).toBe('not-found');
  });

  it('says to each person whether they may ask for it, and why not', async () => {
    const report = (await loadTasks(shop.engineer.ctx)).find((task) => task.name === 'sales-report');
    expect(report).toMatchObject({ mayActivate: true, whyNot: null, ttlMs: 3_600_000, who: ['analysts'] });
    const seen = (await loadTasks(shop.auditor.ctx)).find((task) => task.name === 'sales-report');
    expect(seen).toMatchObject({ mayActivate: false, whyNot: 'you may not ask for tasks' });
  });

  it('keeps the terms of grants that exist', async () => {
    const { ctx } = shop.admin;
    await saveTask(ctx, { source: source('pinned'), publish: true });
    const { id } = await shop.activeGrant('pinned');
    await saveTask(ctx, { source: source('pinned', 'limits: { rows: 1 }\n'), publish: true });
    expect(await shop.controlPlane.openGrant(id)).toMatchObject({
      task: { name: 'pinned', revision: 1 },
      limits: { rows: 100_000 },
    });
  });
});

describe('a policy', () => {
  it('tells what it reaches, and narrows open grants as soon as it is published', async () => {
    expect(await loadPolicies(shop.engineer.ctx)).toMatchObject([
      {
        name: 'customer-data',
        revision: 1,
        appliesTo: { resources: ['demo-shop'], totalResources: 1 },
        rules: 3,
      },
    ]);
    const { id } = await shop.activeGrant();
    const policy = (await loadPolicy(shop.admin.ctx, { name: 'customer-data' })).latest.source;
    const narrower = await savePolicy(shop.admin.ctx, {
      source: policy.replace('rows: 100000', 'rows: 7'),
      baseRevision: 1,
    });
    expect((await shop.controlPlane.openGrant(id)).limits.rows).toBe(10_000);
    await publishPolicy(shop.admin.ctx, { name: 'customer-data', revision: narrower.latestRevision });
    const opened = await shop.controlPlane.openGrant(id);
    expect(opened.limits.rows).toBe(7);
    expect(opened.policies).toMatchObject([{ name: 'customer-data', revision: 2 }]);
    await publishPolicy(shop.admin.ctx, { name: 'customer-data', revision: 1 });
    expect(await refusal(savePolicy(shop.engineer.ctx, { source: policy }))).toBe('forbidden');
    expect(await refusal(publishPolicy(shop.engineer.ctx, { name: 'customer-data', revision: 1 }))).toBe('forbidden');
  });
});

describe('documents', () => {
  it('are applied all or not at all, and name the line in the whole file', async () => {
    const broken = `${source('first')}---\n${source('second').replace('demo-shop', 'elsewhere')}`;
    const error = await applyDocuments(shop.admin.ctx, { source: broken }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'bad-input', problems: [{ path: 'resource', position: { line: 13 } }] });
    expect(await refusal(loadTask(shop.admin.ctx, { name: 'first' }))).toBe('not-found');
    const { applied } = await applyDocuments(shop.admin.ctx, { source: `${source('first')}---\n${source('second')}` });
    expect(applied).toEqual([
      { kind: 'Task', name: 'first', revision: 1, outcome: 'created', warnings: [] },
      { kind: 'Task', name: 'second', revision: 1, outcome: 'created', warnings: [] },
    ]);
    expect(await loadTask(shop.engineer.ctx, { name: 'first' })).toMatchObject({ revision: 1 });
    expect(await refusal(applyDocuments(shop.engineer.ctx, { source: source('third') }))).toBe('forbidden');
  });

  it('that say nothing new change nothing', async () => {
    const { applied } = await applyDocuments(shop.admin.ctx, { source: SHOP_DOCUMENTS });
    expect(applied.find((one) => one.kind === 'Resource')).toMatchObject({ outcome: 'unchanged' });
    expect(applied.filter((one) => one.kind === 'Task').map((one) => one.outcome)).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
  });

  it('are checked for the editor, which saves nothing', async () => {
    const checked = await checkDocument(shop.admin.ctx, { kind: 'Task', source: source('checked') });
    expect(checked).toMatchObject({ problems: [], appliesTo: ['customer-data'] });
    expect(checked.description.length).toBeGreaterThan(0);
    const bad = await checkDocument(shop.admin.ctx, { kind: 'Policy', source: 'kind: Policy' });
    expect(bad.problems.length).toBeGreaterThan(0);
    const { source: template } = await loadTemplate(shop.admin.ctx, { kind: 'Policy' });
    expect((await checkDocument(shop.admin.ctx, { kind: 'Policy', source: template })).problems).toEqual([]);
    expect(await refusal(loadTask(shop.admin.ctx, { name: 'checked' }))).toBe('not-found');
  });

  it('that name groups and relations that do not exist are warned of, and published all the same', async () => {
    const { id } = await shop.services.db.resource.findUniqueOrThrow({ where: { name: 'demo-shop' } });
    const content = JSON.parse(
      JSON.stringify(buildCatalog({ version: 'w1', relations: [buildRelation({ name: 'orders' })] })),
    );
    await shop.services.db.catalogVersion.create({
      data: { resourceId: id, version: 'w1', readAt: new Date(shop.clock.now()), current: true, content },
    });
    const text = source('vague').replace('[analysts]', '[analists]').replace('public.orders', 'public.ordres');
    const { problems, warnings } = await checkDocument(shop.admin.ctx, { kind: 'Task', source: text });
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([
      { message: expect.stringContaining('there is no group `analists`'), position: { line: 5, column: 17 } },
      {
        message: '`public.ordres` is no relation of the database; did you mean `public.orders`?',
        position: { line: 8 },
      },
    ]);
    const { applied } = await applyDocuments(shop.admin.ctx, { source: `${source('clear')}---\n${text}` });
    expect(applied.map(({ outcome, warnings }) => [outcome, warnings.map(({ position }) => position?.line)])).toEqual([
      ['created', []],
      ['created', [14, 17]],
    ]);
    expect(await loadTask(shop.engineer.ctx, { name: 'vague' })).toMatchObject({ revision: 1 });
  });

  it('are completed with the names of the store', async () => {
    const text = 'kind: Task\nresource: ';
    const { options } = await completeSource(shop.admin.ctx, { source: text, offset: text.length });
    expect(options.map((option) => option.label)).toContain('demo-shop');
    expect(await refusal(completeSource(shop.engineer.ctx, { source: text, offset: 0 }))).toBe('forbidden');
  });
});
