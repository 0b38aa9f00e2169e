import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTask } from '@taskgate/policy';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savePolicy } from '../policies/save-policy.ts';
import { loadPolicyUsage, loadTaskUsage } from '../tasks/load-rule-usage.ts';
import { saveTask } from '../tasks/save-task.ts';
import { recordStatements, SHOP_CATALOG, setShopCatalog } from '../testing/record-statements.ts';
import { refusal, SHOP_DOCUMENTS, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { loadSimulation, type SimulationView, startSimulation } from './start-simulation.ts';
import { suggestFromRecorded } from './suggest-from-recorded.ts';

let shop: TestShop;
let sales: { sessionId: string; decisionIds: readonly string[] };

/** Allowed, masked and denied; `customers` is not for this task. */
const STATEMENTS = [
  'select id, status from orders',
  "select id from orders where status = 'a secret word'",
  "select id from orders where status = 'another'",
  'select count(*) from orders',
  'select ssn from customers',
  'update orders set status = $1 where id = 1',
  'drop table orders',
  'select from where',
  'begin',
  "set timezone = 'UTC'",
];

const document = (kind: string, name: string): string =>
  SHOP_DOCUMENTS.split('---\n').find((one) => one.startsWith(`kind: ${kind}\nname: ${name}\n`))!;

beforeAll(async () => {
  shop = await startTestShop();
  await setShopCatalog(shop);
  sales = await recordStatements(shop, { statements: STATEMENTS });
  await recordStatements(shop, {
    statements: ['select id from orders', "update orders set status = 'paid' where id = 1", 'delete from orders'],
    task: 'fix-order-status',
    person: shop.otherEngineer,
  });
});
afterAll(() => shop.stop());

async function simulated(source: string): Promise<NonNullable<SimulationView['result']>> {
  const { id } = await startSimulation(shop.admin.ctx, { source });
  await waitUntil(async () => (await loadSimulation(shop.admin.ctx, { id })).state !== 'running');
  const view = await loadSimulation(shop.admin.ctx, { id });
  expect(view.state).toBe('done');
  return view.result!;
}

describe('a simulation', () => {
  it('of what is published changes nothing and decides all as the gate did', async () => {
    for (const source of [
      document('Task', 'sales-report'),
      document('Policy', 'customer-data'),
      [document('Task', 'fix-order-status'), document('Policy', 'customer-data')].join('---\n'),
    ]) {
      const result = await simulated(source);
      expect(result).toMatchObject({ changes: {}, groups: [], decidedDifferentlyThen: 0, notSimulated: [] });
      expect(result.unchanged).toBe(result.simulated);
      expect(result.simulated).toBe(result.operations);
      expect(result.operations).toBeGreaterThan(2);
    }
  });

  it('says what a draft of a task would change, by person, with the operation in its session', async () => {
    const draft = document('Task', 'sales-report').replace(
      '  - select: public.orders\n',
      '  - select: public.orders\n    columns: [id]\n  - select: public.customers\n    columns: [ssn]\nhold:\n  - update: public.orders\n    approvals: { from: [dba] }\n',
    );
    const result = await simulated(draft);
    expect(result.changes).toEqual({ 'allowed-to-denied': 3, 'denied-to-allowed': 1, 'denied-to-held': 1 });
    const lost = result.groups.find(({ change }) => change === 'allowed-to-denied')!;
    expect(lost).toMatchObject({
      person: { email: shop.engineer.email },
      task: 'sales-report',
      what: 'select public.orders(id, status)',
      before: { outcome: 'allow', reason: { code: 'allowed', rule: { rule: 'allow.0', revision: 1 } } },
      after: { outcome: 'deny', reason: { code: 'column-not-allowed', rule: { revision: 2 } } },
    });
    expect(lost.count).toBe(3);
    expect(lost.latest.map((one) => one.sessionId)).toContain(sales.sessionId);
    expect(result.groups.find(({ change }) => change === 'denied-to-held')!.after.approvals).toEqual({
      from: ['dba'],
      count: 1,
    });
    // Nobody's statement or value is in it.
    expect(JSON.stringify(result)).not.toContain('secret word');
  });

  it('of a policy is about every task on the resources that it holds on, masks and holds too', async () => {
    const draft =
      `${document('Policy', 'customer-data')}hold:\n  - delete: '*'\n    approvals: { from: [dba] }\n`.replace(
        'mask:\n',
        'mask:\n  - columns: public.orders.status\n    as: hash\n',
      );
    const result = await simulated(draft);
    // A masked column may not be searched, so what looks for a status is denied.
    expect(result.changes).toEqual({ 'masks-changed': 1, 'allowed-to-denied': 2 });
    expect(result.groups.find(({ change }) => change === 'masks-changed')!.masks).toEqual([
      { of: 'status', before: null, after: 'hash' },
    ]);
    expect(new Set(result.groups.map(({ task }) => task))).toEqual(new Set(['sales-report']));
    const gone = await simulated('kind: Policy\nname: nothing\npurpose: p\napplies: { all: true }\n');
    expect(gone).toMatchObject({ changes: {}, operations: 13 });
  });

  it('keeps what statements ask for without their text, and reads them again where the catalog has changed', async () => {
    const kept = await shop.services.db.analyzedStatement.findMany();
    expect(kept.length).toBeGreaterThan(10);
    expect(JSON.stringify(kept)).not.toMatch(/secret word|another|UTC|paid/);
    const next = { ...SHOP_CATALOG, version: 'shop-2', relations: SHOP_CATALOG.relations.slice(0, 1) };
    await setShopCatalog(shop, next);
    const result = await simulated(document('Task', 'sales-report'));
    expect(result).toMatchObject({ changes: {}, decidedDifferentlyThen: 4 });
    await shop.services.db.catalogVersion.deleteMany({ where: { version: 'shop-2' } });
    await shop.services.db.catalogVersion.updateMany({ data: { current: true } });
  });

  it('counts what it could not read', async () => {
    const gone = await recordStatements(shop, { statements: ['select 1', 'select 2'] });
    await rm(join(shop.services.settings.spoolDirectory, `${gone.sessionId}.tgr`));
    const long = await recordStatements(shop, { statements: [`select ${'1 + '.repeat(20_000)}1`] });
    const result = await simulated(document('Task', 'sales-report'));
    expect(new Map(result.notSimulated.map(({ why, count }) => [why, count]))).toEqual(
      new Map([
        ['no-recording', 2],
        ['too-long', 1],
      ]),
    );
    expect(result.operations - result.simulated).toBe(3);
    await shop.services.db.session.deleteMany({ where: { id: { in: [gone.sessionId, long.sessionId] } } });
  });

  it('is for who writes tasks, names what is wrong, and is written down', async () => {
    const source = document('Task', 'sales-report');
    for (const person of [shop.engineer, shop.auditor, shop.reviewers[0]])
      expect(await refusal(startSimulation(person.ctx, { source }))).toBe('forbidden');
    const { id, createdBy } = await startSimulation(shop.admin.ctx, { source });
    expect(createdBy.email).toBe(shop.admin.email);
    expect(await refusal(loadSimulation(shop.engineer.ctx, { id }))).toBe('forbidden');
    expect((await shop.audit(id)).at(-1)).toMatchObject({ action: 'simulation.start', actorId: shop.admin.id });
    await expect(startSimulation(shop.admin.ctx, { source: `${source}extra: 1\n` })).rejects.toThrow(
      /line \d+: .*extra/,
    );
    await expect(
      startSimulation(shop.admin.ctx, { source: source.replace('name: sales-report', 'name: brand-new') }),
    ).rejects.toThrow(/no task `brand-new` yet/);
    await waitUntil(async () => (await loadSimulation(shop.admin.ctx, { id })).state !== 'running');
  });
});

describe('a suggestion', () => {
  it('is the least task for what ran, with its masks and who may ask, and is written down', async () => {
    const suggestion = await suggestFromRecorded(shop.admin.ctx, { resource: 'demo-shop', session: sales.sessionId });
    expect(suggestion).toMatchObject({ left: [], notRead: 0, operations: 6 });
    expect(suggestion.source).toContain('who: { groups: [analysts] }');
    expect(suggestion.source).toMatch(/# engineer under sales-report on \d{4}-/);
    expect(suggestion.source).toContain('  - select: public.orders\n    columns: [');
    expect(suggestion.source).not.toMatch(/customers|total_cents|update|drop|secret word/);
    const parsed = parseTask(suggestion.source);
    expect(parsed.ok).toBe(true);
    const { id } = await shop.services.db.resource.findUniqueOrThrow({ where: { name: 'demo-shop' } });
    expect((await shop.audit(id)).at(-1)).toMatchObject({ action: 'task.suggest', actorId: shop.admin.id });
    expect(await refusal(suggestFromRecorded(shop.auditor.ctx, { resource: 'demo-shop' }))).toBe('forbidden');
    expect(await refusal(suggestFromRecorded(shop.admin.ctx, { resource: 'demo-shop', person: 'nobody@x.y' }))).toBe(
      'not-found',
    );
  });
});

describe('the use of rules', () => {
  it('counts what each rule of the published revision decided, and a mask by the columns that were reached', async () => {
    const task = await loadTaskUsage(shop.engineer.ctx, { name: 'sales-report' });
    expect(task.rules).toMatchObject([{ path: 'allow.0', list: 'allow', hits: 4 }]);
    const policy = await loadPolicyUsage(shop.engineer.ctx, { name: 'customer-data' });
    expect(Object.fromEntries(policy.rules.map(({ path, hits }) => [path, hits]))).toEqual({
      'deny.0': 1,
      'mask.0': 0,
      'classify.0': 0,
    });
    await savePolicy(shop.admin.ctx, { source: `${document('Policy', 'customer-data')}# again\n`, publish: true });
    shop.clock.advance(1000);
    const anew = await loadPolicyUsage(shop.engineer.ctx, { name: 'customer-data' });
    expect(anew).toMatchObject({ revision: 2, rules: [{ hits: 0, lastAt: null }, {}, {}] });
    await saveTask(shop.admin.ctx, {
      source: document('Task', 'sales-report').replace('public.orders\n', 'public.customers\n'),
      publish: true,
    });
    await recordStatements(shop, { statements: ['select ssn from customers'] });
    const after = await loadPolicyUsage(shop.engineer.ctx, { name: 'customer-data' });
    expect(after.rules.find(({ path }) => path === 'mask.0')).toMatchObject({ hits: 1 });
    shop.clock.advance(31 * 86_400_000);
    expect((await loadTaskUsage(shop.engineer.ctx, { name: 'sales-report' })).rules[0]).toMatchObject({ hits: 0 });
  });
});
