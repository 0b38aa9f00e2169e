import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { DEMO_CATALOG } from './operation-builder.ts';
import { parsePolicy } from './parse-policy.ts';
import { parseTask } from './parse-task.ts';
import type { ParseResult } from './policy-document.ts';
import { principalPrivileges } from './principal-privileges.ts';

const read = (file: string): string => readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8');

function document<T>(result: ParseResult<T>): T {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.document;
}

function privileges(taskSource: string, policySources: readonly string[] = [], serverVersion = 180_004) {
  const catalog = { ...DEMO_CATALOG, serverVersion };
  const set = compilePolicySet({
    task: { name: 'a-task', revision: 1, document: document(parseTask(taskSource)) },
    policies: policySources.map((source, index) => ({
      name: `p${index}`,
      revision: 1,
      document: document(parsePolicy(source)),
    })),
    resource: { name: 'demo-shop', labels: { env: 'production' } },
    catalog,
  });
  return principalPrivileges(set, catalog);
}

const task = (rules: string): string =>
  `kind: Task\nname: a-task\npurpose: a test\nresource: demo-shop\nwho: { groups: [analysts] }\n${rules}`;
const policy = (rules: string): string => `kind: Policy\nname: p\npurpose: a test\napplies: { all: true }\n${rules}`;
/** `SELECT orders`, or `SELECT customers(id,name)`. */
const shown = (given: ReturnType<typeof privileges>): readonly string[] =>
  given.relations.map(
    ({ privilege, name, columns }) => `${privilege} ${name}${columns === null ? '' : `(${columns.join(',')})`}`,
  );

describe('privileges of a principal', () => {
  test('sales-report reads its columns and nothing else', () => {
    const given = privileges(read('sales-report.task.yaml'), [read('customer-data.policy.yaml')]);
    expect(shown(given)).toEqual(['SELECT customers(country,email,id,name)', 'SELECT orders', 'SELECT order_items']);
    expect(given).toMatchObject({ functions: [], sequences: [], schemas: ['public'], wider: [], needsOwner: [] });
  });

  test('what is held can be done once approved, so its privilege is there', () => {
    const given = privileges(read('fix-order-status.task.yaml'), [read('customer-data.policy.yaml')]);
    expect(shown(given)).toEqual(['SELECT customers(country,email,id,name)', 'SELECT orders', 'UPDATE orders(status)']);
  });

  test('a task that allows what only an owner may do has no principal, and says what it is', () => {
    const given = privileges(read('shop-admin.task.yaml'), [read('customer-data.policy.yaml')]);
    expect(given.needsOwner).toEqual(['create', 'comment', 'other']);
    expect(given.relations).toEqual([]);
    expect(privileges(read('shop-admin.task.yaml'), [], 150_000).needsOwner).toContain('maintenance');
  });

  test('a deny rule takes away the column, the verb or the class that it names', () => {
    expect(
      shown(
        privileges(task('allow:\n  - select: public.orders'), [
          policy('deny:\n  - select: public.orders\n    columns: [total_cents]'),
        ]),
      ),
    ).toEqual(['SELECT orders(created_at,customer_id,id,status)']);
    const writes = task('allow:\n  - statements: [select, insert, update, delete, truncate]\n    on: public.orders');
    expect(shown(privileges(writes, [policy("deny:\n  - delete: '*'\n  - statements: [truncate]")]))).toEqual([
      'SELECT orders',
      'INSERT orders',
      'UPDATE orders',
    ]);
  });

  test('a column mask changes nothing: what is masked must be read', () => {
    const rules = 'allow:\n  - select: public.payments\n    columns: [id, card_number]';
    expect(shown(privileges(task(rules), [read('customer-data.policy.yaml')]))).toEqual([
      'SELECT payments(card_number,id)',
    ]);
  });

  test('classes of statements come to the verbs that they are made of', () => {
    expect(shown(privileges(task('allow:\n  - statements: [copy-to, copy-from]\n    on: public.orders')))).toEqual([
      'SELECT orders',
      'INSERT orders',
    ]);
    expect(shown(privileges(task('allow:\n  - statements: [merge]\n    on: public.orders')))).toEqual([
      'SELECT orders',
      'INSERT orders',
      'UPDATE orders',
      'DELETE orders',
    ]);
  });

  test('locking needs update, and that is said', () => {
    const given = privileges(task('allow:\n  - select: public.orders\n  - lock: public.orders'));
    expect(shown(given)).toEqual(['SELECT orders', 'UPDATE orders']);
    expect(given.wider).toEqual(['update on public.orders, which locking its rows needs']);
  });

  test('maintenance is a privilege since Postgres 17, and ownership before', () => {
    const rules = task('allow:\n  - statements: [maintenance]\n    on: public.orders');
    expect(shown(privileges(rules))).toEqual(['MAINTAIN orders']);
    expect(privileges(rules, [], 160_000).needsOwner).toEqual(['maintenance']);
  });

  test('a set of rules that cannot be used gives nothing', () => {
    const given = privileges(task('allow:\n  - select: public.orders').replace('demo-shop', 'another'));
    expect(given).toMatchObject({ relations: [], functions: [], needsOwner: [] });
  });
});
