import { buildFunction, type PostgresCatalog, type RelationAccess, type SqlOperation } from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { decide } from './decide.ts';
import { access, call, DEMO_CATALOG, operation, shows } from './operation-builder.ts';
import { parseTask } from './parse-task.ts';
import { type DoneOperation, suggestTask } from './suggest-task.ts';

const REPORT = { ...DEMO_CATALOG.relations[0]!, oid: 16_500, name: 'report', kind: 'view' as const };
const CATALOG: PostgresCatalog = {
  ...DEMO_CATALOG,
  relations: [...DEMO_CATALOG.relations, REPORT],
  functions: [buildFunction({ oid: 1, name: 'f' }), buildFunction({ oid: 2, name: 'g' })],
};
const COLUMNS = { customers: ['id', 'name', 'ssn'], orders: ['id', 'status', 'total_cents'] } as const;

function setOf(source: string) {
  const parsed = parseTask(source);
  if (!parsed.ok) throw new Error(`${source}\n${JSON.stringify(parsed.problems)}`);
  return compilePolicySet({
    task: { name: 't', revision: 1, document: parsed.document },
    policies: [],
    resource: { name: 'r', labels: {} },
    catalog: CATALOG,
  });
}

const HEAD = 'kind: Task\nname: t\npurpose: p\nresource: r\n';
const OPEN = setOf(
  `${HEAD}who: { groups: [g] }\nallow: [{ statements: '*' }, { functions: public.* }]\nmask: [{ columns: public.customers.name, as: hash }]`,
);
const HELD = setOf(
  `${HEAD}allow: [{ select: '*' }]\nhold: [{ update: public.orders, columns: [status], affects: { max: 3 }, approvals: { from: [dba], count: 2, timeout: 5m } }]`,
);

const table = fc.constantFrom('customers', 'orders') as fc.Arbitrary<'customers' | 'orders'>;
const reads: fc.Arbitrary<SqlOperation> = table.chain((name) =>
  fc
    .tuple(fc.subarray([...COLUMNS[name]]), fc.boolean(), fc.subarray(['f', 'g']))
    .map(([columns, byView, functions]) => {
      const base = access('select', `public.${name}`, columns);
      const read: RelationAccess =
        byView && name === 'customers' ? access('select', 'public.report', columns, { expands: [base] }) : base;
      return operation('select', {
        accesses: [read],
        output: columns.map((column) => shows(`public.${name}.${column}`)),
        functions: functions.map((one) => call('public', one, { arguments: ['integer'], guarded: true })),
      });
    }),
);
const writes: fc.Arbitrary<SqlOperation> = fc.oneof(
  fc.subarray(['status', 'total_cents'], { minLength: 1 }).map((columns) =>
    operation('update', {
      accesses: [access('update', 'public.orders', columns), access('select', 'public.orders', ['id'])],
      countsItsWrite: true,
    }),
  ),
  table.map((name) => operation('delete', { accesses: [access('delete', `public.${name}`)], countsItsWrite: true })),
  table.map((name) => operation('truncate', { accesses: [access('truncate', `public.${name}`)] })),
  table.map((name) => operation('drop', { label: 'DROP TABLE', accesses: [access('drop', `public.${name}`)] })),
);
const done = fc.array(
  fc.oneof({ weight: 3, arbitrary: reads }, { weight: 2, arbitrary: writes }).map((one) => ({ one, held: false })),
  { minLength: 1, maxLength: 6 },
);

function suggested(operations: readonly SqlOperation[], held: readonly SqlOperation[] = []) {
  const all: DoneOperation[] = [
    ...operations.map((one) => ({ operation: one, approvals: null, set: OPEN, from: 'Eno: statement' })),
    ...held.map((one) => ({
      operation: one,
      approvals: { from: ['dba'], count: 2, timeoutMs: 300_000, explicitTimeout: true },
      set: HELD,
      from: 'Eno # held\n- evil: yes',
    })),
  ];
  return suggestTask({
    name: 'suggested',
    purpose: 'p',
    groups: ['analysts'],
    operations: all,
    policies: [],
    resource: { name: 'r', labels: {} },
    catalog: CATALOG,
    isAllowedSystemRelation: () => false,
  });
}

/** Every way to take one rule, or one column of a rule, out of a document. */
function narrower(source: string): string[] {
  const lines = source.split('\n');
  const from = lines.findIndex((line) => line === 'allow:' || line === 'hold:');
  const to = lines.findIndex((line) => line === 'mask:' || line.startsWith('record:'));
  const starts = lines.flatMap((line, index) => (index > from && index < to && line.startsWith('  - ') ? [index] : []));
  return starts.flatMap((start) => {
    const end = lines.findIndex((line, index) => index > start && !line.startsWith('    '));
    const dropped = [...lines.slice(0, start), ...lines.slice(end)]
      .join('\n')
      .replaceAll(/^(allow|hold):\n((?: {2}#.*\n)*)(?=\S)/gm, '$2');
    const columns = lines.findIndex((line, index) => index > start && index < end && line.startsWith('    columns: ['));
    if (columns < 0) return [dropped];
    const names = lines[columns]!.slice('    columns: ['.length, -1).split(', ');
    if (names.length < 2) return [dropped];
    return [
      dropped,
      ...names.map((name) =>
        lines.with(columns, `    columns: [${names.filter((other) => other !== name).join(', ')}]`).join('\n'),
      ),
    ];
  });
}

const denied = (operations: readonly SqlOperation[], source: string): number => {
  const set = setOf(source);
  return operations.filter((one) => decide(one, set).outcome === 'deny').length;
};

describe('a suggested task', () => {
  test('allows all that was done, and without any rule or column something of it is denied', () => {
    fc.assert(
      fc.property(done, (list) => {
        const operations = list.map(({ one }) => one);
        const { source, left } = suggested(operations);
        expect(left).toEqual([]);
        expect(denied(operations, source)).toBe(0);
        for (const less of narrower(source))
          expect(denied(operations, less), `${source}\n---\n${less}`).toBeGreaterThan(0);
      }),
      { numRuns: 30 },
    );
  });

  test('allows nothing that reaches a relation, a column or a function that was not used', () => {
    fc.assert(
      fc.property(done, reads, (list, other) => {
        const operations = list.map(({ one }) => one);
        const { source } = suggested(operations);
        // A view shows its tables: what reads them may read it.
        const reached = (one: SqlOperation): string[] => [
          ...one.accesses.flatMap(({ verb, relation, columns }) =>
            columns.map((column) => `${verb} ${relation.name}.${column}`),
          ),
          ...one.functions.map(({ name }) => `call ${name}`),
        ];
        const used = new Set(operations.flatMap(reached));
        const isTable = other.accesses.every(({ expands }) => expands.length === 0);
        const isNew = isTable && reached(other).some((one) => !used.has(one));
        if (isNew && other.output!.length > 1) expect(denied([other], source)).toBe(1);
      }),
      { numRuns: 30 },
    );
  });

  test('holds what was held, with the limit of rows and the masks that applied', () => {
    const update = operation('update', {
      accesses: [access('update', 'public.orders', ['status']), access('select', 'public.orders', ['id'])],
      countsItsWrite: true,
    });
    const read = operation('select', {
      accesses: [access('select', 'public.customers', ['name'])],
      output: [shows('public.customers.name')],
    });
    const { source } = suggested([read], [update]);
    expect(source).toContain(`hold:
  # Eno # held - evil: yes
  - update: public.orders
    columns: [status]
    affects: { max: 3 }
    approvals: { from: [dba], count: 2, timeout: 5m }
mask:
  # As it was shown
  - columns: [public.customers.name]
    as: hash`);
    expect(decide(update, setOf(source))).toMatchObject({ outcome: 'hold', obligations: { affectsMax: 3 } });
    expect(decide(read, setOf(source)).obligations.outputMasks).toEqual(['hash']);
  });

  test('quotes what YAML would read as something else', () => {
    const odd = operation('select', {
      accesses: [access('select', 'public.Order Items', ['null', "it's", 'Id'])],
      output: [],
    });
    const { source, left } = suggested([odd]);
    expect(left).toEqual([]);
    expect(source).toContain(`- select: 'public."Order Items"'`);
    expect(source).toContain(`columns: ['null', '"it''s"', '"Id"']`);
  });
});
