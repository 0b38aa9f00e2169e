import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { access, DEMO_CATALOG, operation } from './operation-builder.ts';
import { parsePolicy } from './parse-policy.ts';
import { parseTask } from './parse-task.ts';
import { reachOf } from './reach-of.ts';

function setOf(classify: string, parents: readonly number[] = []) {
  const task = parseTask('kind: Task\nname: t\npurpose: p\nresource: r\nallow: [{ select: "*" }]');
  const policy = parsePolicy(`kind: Policy\nname: p\npurpose: p\napplies: { all: true }\n${classify}`);
  if (!task.ok || !policy.ok) throw new Error('a document of this test is wrong');
  const relations = DEMO_CATALOG.relations.map((relation) =>
    relation.name === 'orders' ? { ...relation, parents } : relation,
  );
  return compilePolicySet({
    task: { name: 't', revision: 1, document: task.document },
    policies: [{ name: 'p', revision: 1, document: policy.document }],
    resource: { name: 'r', labels: {} },
    catalog: { ...DEMO_CATALOG, relations },
  });
}

const PII = 'classify: [{ columns: [public.customers.ssn, public.customers.email], as: pii }]';

describe('what an operation reaches', () => {
  test('is written down once a verb and relation, with the classes of its columns', () => {
    const one = operation('update', {
      accesses: [
        access('update', 'public.orders', ['status']),
        access('select', 'public.customers', ['id']),
        access('select', 'public.customers', ['ssn']),
      ],
    });
    expect(reachOf(one, setOf(PII))).toEqual([
      { verb: 'update', schema: 'public', name: 'orders', columns: ['status'] },
      { verb: 'select', schema: 'public', name: 'customers', columns: ['id', 'ssn'], classes: { pii: ['ssn'] } },
    ]);
  });

  test('holds what a view shows, so that a table read by a view is found', () => {
    const through = operation('select', {
      accesses: [
        access('select', 'public.report', ['mail'], { expands: [access('select', 'public.customers', ['email'])] }),
      ],
    });
    expect(reachOf(through, setOf(PII)).map(({ name, classes }) => [name, classes])).toEqual([
      ['report', undefined],
      ['customers', { pii: ['email'] }],
    ]);
  });

  test('has the classes of the relations that share its rows', () => {
    const customers = DEMO_CATALOG.relations.find(({ name }) => name === 'customers')!.oid;
    const one = operation('select', { accesses: [access('select', 'public.orders', ['ssn'])] });
    expect(reachOf(one, setOf(PII))[0]!.classes).toBeUndefined();
    expect(reachOf(one, setOf(PII, [customers]))[0]!.classes).toEqual({ pii: ['ssn'] });
  });
});
