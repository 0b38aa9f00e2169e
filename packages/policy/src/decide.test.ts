import { buildFunction, type FunctionUse, type PostgresCatalog, type SqlOperation } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { decide, dependsOnEstimate } from './decide.ts';
import { access, call, computed, DEMO_CATALOG, operation, selectOf, shows, use } from './operation-builder.ts';
import { parsePolicy } from './parse-policy.ts';
import { parseTask } from './parse-task.ts';

interface World {
  readonly policy?: string;
  readonly catalog?: PostgresCatalog;
}

/** The set of a task with these rules, and of one policy with those. */
function rules(text: string, { policy = '', catalog = DEMO_CATALOG }: World = {}) {
  const task = parseTask(`kind: Task\nname: t\npurpose: p\nresource: r\n${text}`);
  const other = parsePolicy(`kind: Policy\nname: p\npurpose: p\napplies: { all: true }\n${policy}`);
  if (!task.ok) throw new Error(JSON.stringify(task.problems));
  if (!other.ok) throw new Error(JSON.stringify(other.problems));
  return compilePolicySet({
    task: { name: 't', revision: 1, document: task.document },
    policies: [{ name: 'p', revision: 1, document: other.document }],
    resource: { name: 'r', labels: {} },
    catalog,
    isAllowedSystemRelation: () => false,
  });
}

const said = (one: SqlOperation, set: ReturnType<typeof rules>): string => {
  const { outcome, reasons } = decide(one, set);
  return `${outcome} ${reasons[0]!.code}`;
};

describe('views', () => {
  const view = (...shown: readonly ReturnType<typeof access>[]): SqlOperation =>
    operation('select', {
      accesses: [access('select', 'public.report', ['id'], { expands: shown })],
      output: [shows('public.report.id')],
    });
  const set = rules('allow: [{ select: public.orders }, { select: public.customers, columns: [id] }]');

  test('a view that no rule names is as open as all that it shows', () => {
    expect(
      said(view(access('select', 'public.orders', ['id']), access('select', 'public.customers', ['id'])), set),
    ).toBe('allow allowed');
    expect(
      said(view(access('select', 'public.orders', ['id']), access('select', 'public.customers', ['ssn'])), set),
    ).toBe('deny not-allowed');
    expect(said(view(), set)).toBe('deny not-allowed');
  });

  test('a write to a view is no read of what it shows, whatever the analysis says of it', () => {
    for (const verb of ['insert', 'update', 'delete', 'lock'] as const) {
      const write = operation(verb, {
        accesses: [access(verb, 'public.report', [], { expands: [access('select', 'public.orders', ['id'])] })],
      });
      expect(said(write, set), verb).toBe('deny not-allowed');
    }
  });

  test('a rule may name the view alone, and denies and masks reach through it', () => {
    const named = 'allow: [{ select: public.report }]';
    const ssn = view(access('select', 'public.customers', ['ssn']));
    expect(said(ssn, rules(named))).toBe('allow allowed');
    expect(said(ssn, rules(named, { policy: 'deny: [{ select: public.customers, columns: [ssn] }]' }))).toBe(
      'deny denied-by-rule',
    );
    const shown = {
      ...ssn,
      output: [
        {
          ...shows('public.report.id'),
          sources: [shows('public.report.id').sources[0]!, shows('public.customers.ssn').sources[0]!],
        },
      ],
    };
    const masked = decide(shown, rules(named, { policy: 'mask: [{ columns: public.customers.ssn, as: hash }]' }));
    expect(masked.obligations.outputMasks).toEqual(['hash']);
  });
});

describe('partitions', () => {
  const [parent] = DEMO_CATALOG.relations;
  const catalog: PostgresCatalog = {
    ...DEMO_CATALOG,
    relations: [...DEMO_CATALOG.relations, { ...parent!, oid: 99, name: 'customers_eu', parents: [parent!.oid] }],
  };

  test('a mask or denial of the parent holds for its partitions, and the other way round', () => {
    const set = rules("allow: [{ select: 'public.*' }]", {
      policy: 'mask: [{ columns: public.customers.ssn, as: redact }]',
      catalog,
    });
    expect(decide(selectOf('public.customers_eu', 'id', 'ssn'), set).obligations.outputMasks).toEqual([null, 'redact']);
    expect(set.columnMasks.map(({ relationOid }) => relationOid)).toEqual([parent!.oid, 99]);
    const denied = rules("allow: [{ select: 'public.*' }]", {
      policy: 'deny: [{ select: public.customers_eu }]',
      catalog,
    });
    expect(said(selectOf('public.customers', 'id'), denied)).toBe('deny denied-by-rule');
  });

  test('a rule that allows the parent does not open its partitions', () => {
    expect(
      said(selectOf('public.customers_eu', 'id'), rules('allow: [{ select: public.customers }]', { catalog })),
    ).toBe('deny not-allowed');
  });
});

describe('columns', () => {
  test('several rules may cover the columns together', () => {
    const set = rules(
      'allow: [{ select: public.customers, columns: [id] }, { select: public.customers, columns: [name, c*] }]',
    );
    expect(said(selectOf('public.customers', 'id', 'name', 'country'), set)).toBe('allow allowed');
    const refused = decide(selectOf('public.customers', 'id', 'phone'), set);
    expect(refused.reasons[0]).toMatchObject({
      code: 'column-not-allowed',
      message: 'column `phone` of `public.customers` is not allowed',
      wouldAllow: 'select id, name, country, created_at from public.customers',
    });
  });
});

describe('statement classes', () => {
  test('a class with relations opens them only there; one without them only by its own rule', () => {
    const set = rules("allow: [{ statements: [create, drop], on: 'app.*' }]");
    expect(said(operation('create', { accesses: [access('create', 'app.t')] }), set)).toBe('allow allowed');
    expect(said(operation('create', { accesses: [access('create', 'public.t')] }), set)).toBe('deny not-allowed');
    expect(said(operation('create'), set)).toBe('deny not-allowed');
    expect(said(operation('create'), rules('allow: [{ statements: create }]'))).toBe('allow allowed');
  });

  test('a table made from a query needs what the query reads', () => {
    const make = operation('create', {
      accesses: [access('create', 'app.t'), access('select', 'public.payments', ['id'])],
    });
    expect(said(make, rules('allow: [{ statements: create }]'))).toBe('deny not-allowed');
    expect(said(make, rules('allow: [{ statements: create }, { select: public.payments }]'))).toBe('allow allowed');
  });

  test('statements of no known class are opened by nothing but every statement everywhere', () => {
    expect(said(operation('other'), rules("allow: [{ statements: '*' }]"))).toBe('allow allowed');
    expect(said(operation('other'), rules("allow: [{ statements: '*', on: 'public.*' }]"))).toBe('deny not-allowed');
  });

  test('a select rule does not open a delete within the select', () => {
    const hidden = operation('select', {
      accesses: [access('delete', 'public.orders'), access('select', 'public.orders', ['id'])],
    });
    expect(said(hidden, rules("allow: [{ statements: [select] }, { select: '*' }]"))).toBe('deny not-allowed');
  });

  test('a write whose relation is not among its accesses is not understood', () => {
    expect(said(operation('delete'), rules("allow: [{ statements: '*' }]"))).toBe('deny not-understood');
    expect(said(operation('transaction'), rules("allow: [{ statements: '*' }]"))).toBe('deny not-understood');
  });
});

describe('functions', () => {
  const set = rules('allow: [{ functions: [public.refresh, pg_catalog.pg_sleep, app.*, "public.sum(int, text[])"] }]');
  const calls = (...functions: readonly FunctionUse[]) => said(operation('select', { functions }), set);

  test('a rule opens the function it names', () => {
    expect(calls(call('public', 'refresh'))).toBe('allow allowed');
    expect(calls(call(null, 'pg_sleep'))).toBe('allow allowed');
    expect(calls(call(null, 'refresh'))).toBe('deny function-not-allowed');
  });

  test('where the server could choose another, each of them must be open, and the refusal says which they are', () => {
    const [one, other] = [call('public', 'refresh'), call('public', 'wipe', { arguments: ['text'] })];
    const both = { ...one, candidates: [...one.candidates, ...other.candidates] };
    expect(calls(both)).toBe('deny function-not-allowed');
    expect(decide(operation('select', { functions: [both] }), set).reasons[0]).toMatchObject({
      message: expect.stringContaining('may be `public.wipe(text)`'),
      wouldAllow: expect.stringContaining('cast its arguments'),
    });
    expect(calls({ ...both, candidates: [] })).toBe('deny function-not-allowed');
  });

  test('a deny or hold rule is about what a foreign key writes, too', () => {
    const wipes = operation('delete', {
      accesses: [access('delete', 'public.orders')],
      fires: [
        {
          kind: 'foreign-key',
          name: 'k',
          relation: { schema: 'public', name: 'order_items' },
          on: 'delete',
          runs: null,
          writes: 'delete',
        },
      ],
      countsItsWrite: true,
    });
    const allow = 'allow: [{ delete: public.orders }]';
    expect(said(wipes, rules(allow))).toBe('allow allowed');
    expect(said(wipes, rules(allow, { policy: 'deny: [{ delete: public.order_items }]' }))).toBe('deny denied-by-rule');
    const held = rules(allow, { policy: 'hold: [{ delete: public.order_items, approvals: { from: [dba] } }]' });
    expect(said(wipes, held)).toBe('hold held-by-rule');
    expect(decide(wipes, held).reasons[0]!.message).toMatch(
      'it sets off foreign key `k`, which may delete rows of `public.order_items`',
    );
  });

  test('a rule can name one signature', () => {
    expect(calls(call('public', 'sum', { arguments: ['integer', 'text[]'] }))).toBe('allow allowed');
    expect(calls(call('public', 'sum', { arguments: ['integer'] }))).toBe('deny function-not-allowed');
    expect(calls(call('public', 'sum'))).toBe('deny function-not-allowed');
  });

  test('a pattern opens no volatile or security definer function: these are named', () => {
    expect(calls(call('app', 'f'))).toBe('allow allowed');
    expect(calls(call('app', 'f', { guarded: true }))).toBe('deny function-not-allowed');
    expect(calls(call('public', 'refresh', { guarded: true }))).toBe('allow allowed');
  });

  test('a deny rule is about every function that a call may mean', () => {
    const denied = rules("allow: [{ statements: '*' }]", { policy: 'deny: [{ functions: public.wipe }]' });
    const [one, other] = [call('public', 'refresh'), call('public', 'wipe')];
    const both = { ...one, candidates: [...one.candidates, ...other.candidates] };
    expect(said(operation('select', { functions: [both] }), denied)).toBe('deny denied-by-rule');
  });

  test.each([
    'set_config',
    'lo_import',
    'lo_export',
    'pg_read_file',
    'pg_read_binary_file',
    'pg_ls_dir',
    'dblink',
    'dblink_exec',
    'query_to_xml',
    'database_to_xml',
    'cursor_to_xml',
    'ts_stat',
    'pg_terminate_backend',
    'pg_reload_conf',
    'PG_READ_FILE',
  ])('no rule opens %s', (name) => {
    const all = rules(`allow: [{ statements: '*' }, { functions: ['pg_catalog.*', 'public.*'] }]`);
    expect(said(operation('select', { functions: [call(null, name)] }), all)).toBe('deny function-not-allowed');
    expect(said(operation('select', { functions: [call('public', name, { harmless: true })] }), all)).toBe(
      'deny function-not-allowed',
    );
  });
});

describe('holds', () => {
  const both = `hold:
  - { update: public.orders, approvals: { from: [dba, ops], count: 1, timeout: 10m }, affects: { max: 5 } }`;
  const update = operation('update', {
    accesses: [access('update', 'public.orders', ['status'])],
    countsItsWrite: true,
  });

  test('take the strictest terms of all rules that match', () => {
    const policy =
      'hold: [{ statements: update, approvals: { from: [ops], count: 2, timeout: 1h }, affects: { max: 3 } }]';
    const decision = decide(update, rules(both, { policy }));
    expect(decision.outcome).toBe('hold');
    expect(decision.approvals).toEqual({ from: ['ops'], count: 2, timeoutMs: 600_000, explicitTimeout: true });
    expect(decision.obligations.affectsMax).toBe(3);
    expect(decision.reasons.map(({ rule }) => `${rule.kind} ${rule.rule}`)).toEqual(['task hold.0', 'policy hold.0']);
  });

  test('that no group could approve are denials', () => {
    const policy = 'hold: [{ statements: update, approvals: { from: [security] } }]';
    const decision = decide(update, rules(both, { policy }));
    expect(decision.reasons[0]!.code).toBe('rule-failed');
    expect(decision.reasons[0]!.message).toContain('task `t` (`hold.0`) and policy `p` (`hold.0`)');
  });

  test('beat an allow rule for the same', () => {
    expect(said(update, rules(`allow: [{ update: public.orders }]\n${both}`))).toBe('hold held-by-rule');
    expect(
      said(
        operation('update', { ...update, accesses: [access('update', 'public.customers', ['name'])] }),
        rules(`allow: [{ update: 'public.*' }]\n${both}`),
      ),
    ).toBe('allow allowed');
  });

  test('of every statement leave out what does nothing', () => {
    const set = rules("allow: [{ statements: '*' }]", {
      policy: "hold: [{ statements: '*', approvals: { from: [dba] } }]",
    });
    expect(said(operation('select'), set)).toBe('allow harmless');
    expect(said(operation('transaction', { effect: { kind: 'begin' } }), set)).toBe('allow harmless');
    expect(said(selectOf('public.orders', 'id'), set)).toBe('hold held-by-rule');
  });

  test('are for what runs: explain and prepare are not held, declare is', () => {
    const set = rules(both.replace('update:', 'select:').replace(', affects: { max: 5 }', ''));
    const inner = selectOf('public.orders', 'id');
    expect(said({ ...inner, statementClass: 'explain' }, set)).toBe('allow allowed');
    const outer = { accesses: inner.accesses };
    expect(
      decide(operation('prepared', { ...outer, effect: { kind: 'prepare', name: 's', statement: inner } }), set)
        .outcome,
    ).toBe('allow');
    expect(
      decide(operation('cursor', { ...outer, effect: { kind: 'declare', name: 'c', statement: inner } }), set).outcome,
    ).toBe('hold');
    const forbidden = selectOf('public.payments', 'id');
    expect(
      decide(operation('prepared', { effect: { kind: 'prepare', name: 's', statement: forbidden } }), set).outcome,
    ).toBe('deny');
  });
});

describe('masks', () => {
  test('the strictest wins, by column, by pattern and by class', () => {
    const set = rules(
      "allow: [{ select: '*' }]\nmask: [{ columns: public.customers.email, as: email }, { columns: '*.*.phone', as: last4 }]",
      {
        policy:
          "classify: [{ columns: 'public.customers.*mail', as: pii }]\nmask: [{ class: pii, as: hash }, { kinds: email, as: redact }]",
      },
    );
    const decision = decide(selectOf('public.customers', 'email', 'phone', 'id'), set);
    expect(decision.obligations.outputMasks).toEqual(['hash', 'last4', null]);
    expect(decision.obligations.detectors).toEqual([{ kind: 'email', mask: 'redact' }]);
  });

  test('a value that one of several columns may show takes the strictest of them', () => {
    const set = rules(
      "allow: [{ select: '*' }]\nmask: [{ columns: public.customers.email, as: email }, { columns: public.customers.ssn, as: 'null' }]",
    );
    const union = operation('select', {
      accesses: [access('select', 'public.customers', ['email', 'ssn'])],
      output: [
        {
          name: 'v',
          sources: [...shows('public.customers.email').sources, ...shows('public.customers.ssn').sources],
          plain: true,
        },
      ],
    });
    expect(decide(union, set).obligations.outputMasks).toEqual(['null']);
  });

  test.each(['predicate', 'expression', 'sort', 'group', 'write'] as const)(
    'a masked column in a %s is refused at its place',
    (context) => {
      const set = rules("allow: [{ statements: '*' }]\nmask: [{ columns: public.customers.ssn, as: redact }]");
      const decision = decide(operation('select', { uses: [use(context, 'public.customers.ssn')] }), set);
      expect(decision.reasons[0]).toMatchObject({
        code: 'masked-column-used',
        position: { line: 1, column: 8 },
        rule: { rule: 'mask.0', line: 6 },
      });
    },
  );

  test('setting a masked column to a new value is a write like any other', () => {
    const set = rules(
      'allow: [{ update: public.customers, columns: [email] }]\nmask: [{ columns: public.customers.email, as: email }]',
    );
    expect(said(operation('update', { accesses: [access('update', 'public.customers', ['email'])] }), set)).toBe(
      'allow allowed',
    );
  });

  test('a copy out without known columns is refused where one is masked', () => {
    const set = rules("allow: [{ select: '*' }]\nmask: [{ columns: public.customers.ssn, as: redact }]");
    const copy = operation('copy-to', {
      accesses: [access('select', 'public.customers', ['ssn'])],
      copy: { direction: 'out', format: 'text' },
    });
    expect(said(copy, set)).toBe('deny masked-column-used');
  });

  test('a class that nobody gives masks nothing, and its author is told', () => {
    const set = rules(
      "allow: [{ select: '*' }]\nmask: [{ class: pii, as: redact }, { columns: public.customer.ssn, as: redact }]",
    );
    expect(set.warnings.map(({ message }) => message)).toEqual([
      'no policy here classifies a column as `pii`, so this masks nothing',
      '`public.customer.ssn` is no column of the database',
    ]);
  });
});

describe('ways around a mask', () => {
  const all = "allow: [{ statements: '*' }]";
  const mask = 'mask: [{ columns: public.customers.ssn, as: redact }]';
  const catalog: PostgresCatalog = {
    ...DEMO_CATALOG,
    functions: [buildFunction({ oid: 1, name: 'f', securityDefiner: true })],
  };
  const masked = rules(all, { policy: mask, catalog });
  const clear = rules(all, { catalog });

  test.each([
    ['a function that reads the column', operation('select', { functions: [call('public', 'f')] })],
    ['code at the target', operation('create', { label: 'CREATE FUNCTION' })],
    ['a trigger', operation('create', { label: 'CREATE TRIGGER', accesses: [access('alter', 'public.orders')] })],
    [
      'another name for the relation',
      operation('alter', { label: 'ALTER RENAME', accesses: [access('alter', 'public.customers')] }),
    ],
    ['another name for the schema', operation('alter', { label: 'ALTER RENAME' })],
    ['what is of no known class', operation('other')],
  ])('%s is closed even to a task that may do everything, and only where something is masked', (_, one) => {
    expect(decide(one, masked).outcome).toBe('deny');
    expect(decide(one, clear).outcome).toBe('allow');
  });

  test('a function that a rule names is vouched for, and plain definitions stay open', () => {
    const named = rules("allow: [{ statements: '*' }, { functions: public.f }]", { policy: mask, catalog });
    expect(decide(operation('select', { functions: [call('public', 'f')] }), named).outcome).toBe('allow');
    expect(decide(operation('select', { functions: [call(null, 'pg_sleep')] }), masked).outcome).toBe('allow');
    expect(
      decide(operation('create', { label: 'CREATE TABLE', accesses: [access('create', 'public.t')] }), masked).outcome,
    ).toBe('allow');
    expect(
      decide(operation('alter', { label: 'ALTER TABLE', accesses: [access('alter', 'public.orders')] }), masked)
        .outcome,
    ).toBe('allow');
  });
});

describe('a set', () => {
  test('of another resource than the task’s denies everything', () => {
    const task = parseTask('kind: Task\nname: t\npurpose: p\nresource: r\nallow: [{ statements: "*" }]');
    if (!task.ok) throw new Error('fixture');
    const set = compilePolicySet({
      task: { name: 't', revision: 1, document: task.document },
      policies: [],
      resource: { name: 'elsewhere', labels: {} },
      catalog: DEMO_CATALOG,
    });
    expect(said(operation('empty'), set)).toBe('deny rule-failed');
  });

  test('counts only policies that apply', () => {
    const policy = 'deny: [{ statements: [select] }]';
    expect(said(selectOf('public.orders', 'id'), rules("allow: [{ select: '*' }]", { policy }))).toBe(
      'deny denied-by-rule',
    );
  });

  test('lists at most ten reasons, each once', () => {
    const accesses = Array.from({ length: 30 }, (_, index) => access('select', `public.t${index}`, ['x']));
    const { reasons } = decide(
      operation('select', { accesses: [...accesses, ...accesses], output: [computed('c')] }),
      rules('allow: []'),
    );
    expect(reasons).toHaveLength(10);
    expect(new Set(reasons.map(({ message }) => message)).size).toBe(10);
  });
});

describe('an estimate', () => {
  const orders = operation('select', { accesses: [access('select', 'public.orders', ['id'])] });
  const at = (set: ReturnType<typeof rules>, rows?: number): string => {
    const { outcome, reasons } = decide(orders, set, rows);
    return `${outcome} ${reasons[0]!.code}`;
  };

  test('opens an allow rule up to its max, and a statement of unknown size never', () => {
    const set = rules('allow: [{ select: public.orders, estimate: { max: 100 } }]');
    expect(dependsOnEstimate(orders, set)).toBe(true);
    expect(at(set, 100)).toBe('allow allowed');
    expect(at(set, 101)).toBe('deny estimate-exceeded');
    expect(at(set)).toBe('deny estimate-exceeded');
    expect(decide(orders, set, 101).reasons[0]).toMatchObject({
      message: 'the planner expects 101 rows of `SELECT`, and the rule lets through 100',
      rule: { kind: 'task', rule: 'allow.0' },
    });
  });

  test('holds or denies above, and a hold rule of a task opens what is below', () => {
    const held = rules('hold: [{ select: public.orders, estimate: { above: 100 }, approvals: { from: [dba] } }]');
    expect(at(held, 100)).toBe('allow allowed');
    expect(at(held, 101)).toBe('hold held-by-rule');
    expect(at(held)).toBe('hold held-by-rule');
    const denied = rules('allow: [{ select: public.orders }]', {
      policy: 'deny: [{ select: "*", estimate: { above: 100 } }]',
    });
    expect(at(denied, 100)).toBe('allow allowed');
    expect(at(denied, 101)).toBe('deny estimate-exceeded');
    expect(decide(orders, denied, 101).reasons[0]!.rule).toMatchObject({ kind: 'policy', rule: 'deny.0' });
  });

  test('is not asked for where it changes nothing', () => {
    const other = rules('allow: [{ select: public.orders }, { select: public.customers, estimate: { max: 1 } }]');
    expect(dependsOnEstimate(orders, other)).toBe(false);
    const never = rules('allow: [{ select: public.customers, estimate: { max: 1 } }]');
    expect(dependsOnEstimate(orders, never)).toBe(false);
  });

  test('leaves the affects limit of its rule in force', () => {
    const update = operation('update', { accesses: [access('update', 'public.orders', ['id'])], countsItsWrite: true });
    const set = rules(
      'allow: [{ update: public.orders }, { update: public.orders, affects: { max: 1 }, estimate: { max: 5 } }]',
    );
    expect(decide(update, set, 50).obligations.affectsMax).toBe(1);
  });
});
