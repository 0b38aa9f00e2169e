import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveTask } from '../tasks/save-task.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { deleteView, loadViews, saveView } from '../views/saved-views.ts';
import { exportOperations } from './export-operations.ts';
import { loadOperations } from './load-operations.ts';

let shop: TestShop;
let n = 0;

beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

const CUSTOMERS = {
  verb: 'select',
  schema: 'public',
  name: 'customers',
  columns: ['id', 'ssn'],
  classes: { pii: ['ssn'] },
} as const;
const ORDERS = { verb: 'select', schema: 'public', name: 'orders', columns: ['id'] } as const;
const WRITE = {
  verb: 'update',
  schema: 'public',
  name: 'customers',
  columns: ['ssn'],
  classes: { pii: ['ssn'] },
} as const;

/** One session of the person with one operation a list of relations; gives their decisions. */
async function recorded(
  relations: readonly (readonly { verb: string; schema: string; name: string; columns: readonly string[] }[])[],
  options: { person?: TestPerson; task?: string; label?: string } = {},
): Promise<string[]> {
  const grant = await shop.activeGrant(options.task ?? 'sales-report', options.person);
  const sessionId = await shop.session(grant.id);
  const operations = relations.map((reached, index) => ({
    seq: index,
    at: shop.clock.now() + n++,
    decisionId: shop.decisionId(),
    outcome: 'allow' as const,
    statementClass: reached[0]?.verb ?? 'select',
    label: options.label ?? 'SELECT',
    fingerprint: 'f',
    catalogVersion: 'c',
    relations: reached,
    reasons: [],
  }));
  await shop.controlPlane.indexSession(sessionId, {
    operations,
    outcomes: [],
    upTo: operations.length,
    end: null,
  });
  await shop.services.db.session.updateMany({
    where: { id: sessionId },
    data: { endedAt: new Date(shop.clock.now()) },
  });
  return operations.map(({ decisionId }) => decisionId);
}

async function found(person: TestPerson, filter: Parameters<typeof loadOperations>[1]): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await loadOperations(person.ctx, { ...filter, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(...page.items.map((row) => row.decisionId));
    if (page.nextCursor === null) return ids;
    cursor = page.nextCursor;
  }
}

async function textOf(lines: Promise<AsyncIterable<string>>): Promise<string> {
  let text = '';
  for await (const line of await lines) text += line;
  return text;
}

describe('the list of operations', () => {
  it('finds who read personal data in a time, and nothing that only looks like it', async () => {
    const from = new Date(shop.clock.now() + n).toISOString();
    const [read, orders, both, written] = await recorded([[CUSTOMERS], [ORDERS], [ORDERS, CUSTOMERS], [ORDERS, WRITE]]);
    const to = new Date(shop.clock.now() + n).toISOString();
    const [later] = await recorded([[CUSTOMERS]]);
    const window = { from, to };
    expect(await found(shop.auditor, { class: 'pii', verb: 'select', ...window })).toEqual([both, read]);
    expect(await found(shop.auditor, { class: 'pii', verb: 'select', from })).toEqual([later, both, read]);
    expect(await found(shop.auditor, { relation: 'customers', ...window })).toEqual([written, both, read]);
    expect(await found(shop.auditor, { relation: 'public.customers', column: 'id', ...window })).toEqual([both, read]);
    expect(await found(shop.auditor, { relation: 'public.orders', class: 'pii', ...window })).toEqual([]);
    expect(await found(shop.auditor, { verb: 'update', ...window })).toEqual([written]);
    expect(await found(shop.auditor, { statement: 'select', task: 'sales-report', ...window })).toEqual([
      ...[written, both, orders, read],
    ]);
    expect(await found(shop.auditor, { person: 'ENGINEER@', resource: 'demo-shop', ...window })).toHaveLength(4);
    const [lookUp] = await recorded([[{ verb: 'select', schema: 'pg_catalog', name: 'pg_class', columns: ['oid'] }]]);
    expect(await found(shop.auditor, { from: to })).toEqual([lookUp, later]);
    expect(await found(shop.auditor, { from: to, data: true })).toEqual([later]);
    // `_` and `%` are themselves, not any sign.
    expect(await found(shop.auditor, { person: 'e%r', ...window })).toEqual([]);
  });

  it('shows what the caller may replay and nothing else', async () => {
    await saveTask(shop.admin.ctx, {
      source:
        'kind: Task\nname: closed\npurpose: Nobody reads its recordings\nresource: demo-shop\nwho: { groups: [analysts] }\naccess: { ttl: 1h }\nallow:\n  - select: public.orders\nrecord: { readers: [dba] }\n',
      publish: true,
    });
    const from = new Date(shop.clock.now() + n).toISOString();
    const [mine] = await recorded([[ORDERS]]);
    const [theirs] = await recorded([[ORDERS]], { person: shop.otherEngineer });
    const [unread] = await recorded([[ORDERS]], { task: 'closed' });
    expect(await found(shop.engineer, { from })).toEqual([unread, mine]);
    expect(await found(shop.otherEngineer, { from })).toEqual([theirs]);
    expect(await found(shop.auditor, { from })).toEqual([theirs, mine]);
    const stranger = await shop.person('stranger', ['auditor']);
    expect(await found(stranger, { from })).toEqual([]);
    expect(await found(shop.reviewers[0], { from })).toEqual([]);
  });

  it('is exported as exactly what the filter shows, written down, and never as a formula', async () => {
    const from = new Date(shop.clock.now() + n).toISOString();
    const [decisionId] = await recorded([[CUSTOMERS], [ORDERS]], { label: '=HYPERLINK("x")' });
    const filter = { from, relation: 'public.customers' };
    const lines = (await textOf(exportOperations(shop.auditor.ctx, filter))).trimEnd().split('\r\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`,${decisionId},`);
    expect(lines[1]).toContain(`,"'=HYPERLINK(""x"")",select public.customers(id ssn),pii,`);
    expect((await shop.audit(shop.auditor.id)).at(-1)).toMatchObject({ action: 'operations.export', after: filter });
  });
});

describe('a saved view', () => {
  it('is its owner’s own, is replaced under its name, and gives no right', async () => {
    const view = { page: 'operations', name: 'Personal data on Tuesday', search: 'class=pii&verb=select' } as const;
    const saved = await saveView(shop.auditor.ctx, view);
    const again = await saveView(shop.auditor.ctx, { ...view, search: 'class=pii' });
    expect(again).toEqual({ ...saved, search: 'class=pii' });
    expect(await loadViews(shop.auditor.ctx)).toEqual([again]);
    expect(await loadViews(shop.engineer.ctx)).toEqual([]);
    expect(await refusal(deleteView(shop.engineer.ctx, { id: saved.id }))).toBe('not-found');
    expect(await refusal(saveView(shop.auditor.ctx, { ...view, search: '#https://elsewhere' }))).toBe('bad-input');
    await deleteView(shop.auditor.ctx, { id: saved.id });
    expect(await loadViews(shop.auditor.ctx)).toEqual([]);
    expect((await shop.audit(saved.id)).map((row) => row.action)).toEqual(['view.save', 'view.save', 'view.delete']);
  });
});
