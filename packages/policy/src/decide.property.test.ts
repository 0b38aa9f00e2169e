import {
  type AccessVerb,
  buildCatalog,
  buildFunction,
  buildRelation,
  DETECTOR_KINDS,
  type Decision,
  type FunctionUse,
  MASK_NAMES,
  NO_LIMITS,
  type RelationAccess,
  type SessionEffect,
  type SqlOperation,
  STATEMENT_CLASSES,
} from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { decide, dependsOnEstimate } from './decide.ts';
import { operation as build, call } from './operation-builder.ts';
import { oracle } from './oracle.ts';
import { NO_RECORD_TERMS } from './parse-terms.ts';
import {
  type AllowRule,
  type ClassifyRule,
  type DenyRule,
  type HoldRule,
  type MaskRule,
  type PolicyDocument,
  RULE_VERBS,
  type RuleTarget,
  type TaskDocument,
} from './policy-document.ts';

// A world small enough that rules and operations meet often.
const RELATIONS = [
  'public.a',
  'public.b',
  'public.child',
  'app.a',
  'pg_catalog.pg_class',
  'pg_catalog.pg_authid',
] as const;
const COLUMNS = ['x', 'y', 'xy'] as const;
const catalog = buildCatalog({
  relations: ['public.a', 'public.b', 'public.child', 'app.a'].map((name, oid) =>
    buildRelation({
      oid,
      schema: name.split('.')[0]!,
      name: name.split('.')[1]!,
      columns: Object.fromEntries(COLUMNS.map((column) => [column, 'text'])),
      parents: name === 'public.child' ? [0] : [],
    }),
  ),
  functions: [buildFunction({ oid: 1, name: 'f' })],
});
const isAllowedSystemRelation = (_: string, name: string): boolean => name === 'pg_class';

const maybe = <T>(weight: number, one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight, arbitrary: one });
const namePattern = (exact: readonly string[], globs: readonly string[]) =>
  fc.oneof(
    fc.constantFrom(...exact).map((text) => ({ text, exact: true })),
    fc.constantFrom(...globs).map((text) => ({ text, exact: false })),
  );
const relationPattern = fc.record({
  schema: namePattern(['public', 'app', 'pg_catalog'], ['*']),
  name: namePattern(['a', 'b', 'child', 'pg_authid', 'f'], ['*', 'c*', '*i*']),
});
const columnName = namePattern(COLUMNS, ['*', 'x*', '*y']);
const columnPattern = fc.tuple(relationPattern, columnName).map(([relation, column]) => ({ ...relation, column }));
const source = fc.record({ path: fc.constantFrom('r.0', 'r.1', 'r.2'), line: fc.nat(9) });
const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 3 });
const accessTarget = fc.record({
  kind: fc.constant('access' as const),
  verb: fc.constantFrom(...RULE_VERBS),
  relations: some(relationPattern),
  columns: maybe(3, some(columnName)),
});
const classes = fc.oneof(fc.constant('*' as const), some(fc.constantFrom(...STATEMENT_CLASSES)));
const statementsTarget = fc.record({
  kind: fc.constant('statements' as const),
  classes,
  on: maybe(2, some(relationPattern)),
});
const types = fc.constantFrom(null, null, ['integer']);
const functionPattern = fc.tuple(relationPattern, types).map(([name, given]) => ({ ...name, arguments: given }));
const anyTarget: fc.Arbitrary<RuleTarget> = fc.oneof(
  { weight: 5, arbitrary: accessTarget },
  { weight: 4, arbitrary: statementsTarget },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('functions' as const), functions: some(functionPattern) }) },
);
const affectsMax = maybe(1, fc.integer({ min: 1, max: 3 }));
/** Rows of a statement, and what rules say of them: unknown rows are more than any. */
const rows = fc.constantFrom(0, 10, 11, 500, Infinity);
const estimate = maybe(1, fc.constantFrom(10, 100));
const allowRule: fc.Arbitrary<AllowRule> = fc.record({ source, target: anyTarget, affectsMax, estimateMax: estimate });
const holdRule: fc.Arbitrary<HoldRule> = fc.record({
  source,
  target: fc.oneof(accessTarget, statementsTarget),
  affectsMax,
  approvals: fc.record({
    from: fc.constantFrom(['dba'], ['dba', 'ops'], ['ops']),
    count: fc.integer({ min: 1, max: 3 }),
    timeoutMs: fc.constantFrom(1000, 2000),
  }),
  estimateAbove: estimate,
});
const denyRule: fc.Arbitrary<DenyRule> = fc.record({ source, target: anyTarget, estimateAbove: estimate });
const mask = fc.constantFrom(...MASK_NAMES);
const maskRule: fc.Arbitrary<MaskRule> = fc.oneof(
  fc.record({ kind: fc.constant('columns' as const), source, columns: some(columnPattern), mask }),
  fc.record({ kind: fc.constant('class' as const), source, class: fc.constantFrom('pii', 'pay'), mask }),
  fc.record({
    kind: fc.constant('kinds' as const),
    source,
    kinds: some(fc.record({ kind: fc.constantFrom(...DETECTOR_KINDS), mask })),
  }),
);
const classifyRule: fc.Arbitrary<ClassifyRule> = fc.record({
  source,
  columns: some(columnPattern),
  class: fc.constantFrom('pii', 'pay'),
});
const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 2 });
/** Seldom more than none: a world in which most is denied says little. */
const seldom = <T>(one: fc.Arbitrary<T>) => maybe(1, one).map((rule) => (rule === null ? [] : [rule]));
const openAll: AllowRule = {
  source: { path: 'allow.0', line: 1 },
  target: { kind: 'statements', classes: '*', on: null },
  affectsMax: null,
};
const task: fc.Arbitrary<TaskDocument> = fc
  .record({
    allow: fc.oneof(fc.array(allowRule, { maxLength: 4 }), fc.constant([openAll]), fc.constant([openAll])),
    hold: few(holdRule),
    deny: seldom(denyRule),
    mask: seldom(maskRule),
  })
  .map((rules) => ({
    kind: 'Task',
    name: 't',
    purpose: 'p',
    resource: 'r',
    who: { groups: [], machines: [], agents: [] },
    access: { reasonRequired: false, ticketRequired: false, approvals: null, ttlMs: 1, when: null, stepUp: 'none' },
    limits: NO_LIMITS,
    record: NO_RECORD_TERMS,
    ...rules,
  }));
const policy: fc.Arbitrary<PolicyDocument> = fc
  .record({ classify: few(classifyRule), deny: seldom(denyRule), hold: seldom(holdRule), mask: seldom(maskRule) })
  .map((rules) => ({
    kind: 'Policy',
    name: 'p',
    purpose: 'p',
    applies: { all: true, names: [], labels: {} },
    limits: NO_LIMITS,
    record: NO_RECORD_TERMS,
    ...rules,
  }));

const VERBS: readonly AccessVerb[] = ['select', 'insert', 'update', 'delete', 'truncate', 'create', 'alter', 'lock'];
const relationAccess = (depth: number): fc.Arbitrary<RelationAccess> =>
  fc
    .tuple(
      fc.constantFrom(...VERBS),
      fc.constantFrom(...RELATIONS),
      fc.subarray([...COLUMNS]),
      depth === 0 ? fc.constant([]) : fc.array(relationAccess(depth - 1), { maxLength: 2 }),
    )
    .map(([verb, name, columns, expands]) => {
      const [schema, relation] = name.split('.') as [string, string];
      return {
        verb,
        relation: { schema, name: relation },
        oid: null,
        columns,
        system: schema === 'pg_catalog',
        expands,
      };
    });
const columnOf = fc
  .tuple(fc.constantFrom(...RELATIONS), fc.constantFrom(...COLUMNS))
  .map(([name, column]) => ({ schema: name.split('.')[0]!, relation: name.split('.')[1]!, column }));
const effect = (inner: fc.Arbitrary<SqlOperation>): fc.Arbitrary<SessionEffect> =>
  fc.oneof(
    fc.constantFrom<SessionEffect>(
      { kind: 'begin' },
      { kind: 'set', name: 'role', value: 'x', local: false },
      { kind: 'set', name: 'timezone', value: 'x', local: false, harmless: true },
      { kind: 'discard-all' },
      { kind: 'execute', name: 's' },
      { kind: 'fetch', name: 'c', rows: true },
    ),
    inner.map((statement) => ({ kind: 'prepare', name: 's', statement }) as const),
    inner.map((statement) => ({ kind: 'declare', name: 'c', statement }) as const),
  );
const EFFECT_CLASS: Record<string, SqlOperation['statementClass']> = {
  begin: 'transaction',
  set: 'session',
  'discard-all': 'session',
  execute: 'prepared',
  prepare: 'prepared',
  fetch: 'cursor',
  declare: 'cursor',
};
const body = fc.record({
  accesses: fc.array(relationAccess(1), { maxLength: 2 }),
  functions: few(
    fc
      .record({
        schema: fc.constantFrom('public', 'pg_catalog'),
        name: fc.constantFrom('f', 'lower', 'pg_read_file'),
        harmless: fc.boolean(),
        guarded: fc.boolean(),
        arguments: types,
      })
      .filter(({ name, schema }) => name !== 'pg_read_file' || schema !== 'public')
      .chain((one) =>
        fc.boolean().map((doubt): FunctionUse => {
          const use = call(null, one.name, one);
          return doubt
            ? { ...use, harmless: false, candidates: [...use.candidates, ...call('app', one.name).candidates] }
            : use;
        }),
      ),
  ).map((uses) => uses.slice(0, 1)),
  output: fc.option(few(fc.record({ name: fc.constant('o'), sources: few(columnOf), plain: fc.boolean() }))),
  uses: fc.array(
    fc.record({
      column: columnOf,
      context: fc.constantFrom('predicate' as const, 'write' as const),
      position: fc.constant(null),
    }),
    { maxLength: 1 },
  ),
  countsItsWrite: fc.boolean(),
});
const copies = maybe(
  1,
  fc.record({
    direction: fc.constantFrom('in' as const, 'out' as const),
    format: fc.constantFrom('text' as const, 'binary' as const),
  }),
);
const plainOperation: fc.Arbitrary<SqlOperation> = fc
  .tuple(
    body,
    fc.constantFrom(...STATEMENT_CLASSES),
    copies,
    fc.boolean(),
    fc.constantFrom('CREATE TABLE', 'CREATE RULE'),
  )
  .map(([parts, statementClass, copy, matching, label]) => {
    // Mostly of the class that its first access makes it, so that many operations get past the first check.
    const verb = parts.accesses[0]?.verb;
    return build(matching ? (verb ?? 'select') : statementClass, { ...parts, copy, label });
  });
const operation: fc.Arbitrary<SqlOperation> = fc.oneof(
  { weight: 5, arbitrary: plainOperation },
  {
    weight: 1,
    arbitrary: fc
      .tuple(effect(plainOperation), body)
      .map(([one, parts]) => build(EFFECT_CLASS[one.kind]!, { ...parts, effect: one })),
  },
);

const compile = (document: TaskDocument, policies: readonly PolicyDocument[]) =>
  compilePolicySet({
    task: { name: 't', revision: 1, document },
    policies: policies.map((one, index) => ({ name: `p${index}`, revision: 1, document: one })),
    resource: { name: 'r', labels: {} },
    catalog,
    isAllowedSystemRelation,
  });
const answer = (
  one: SqlOperation,
  document: TaskDocument,
  policies: readonly PolicyDocument[],
  expected?: number,
): Decision => decide(one, compile(document, policies), expected);

const RANK = { deny: 0, hold: 1, allow: 2 } as const;
const strictness = (name: (typeof MASK_NAMES)[number] | null): number =>
  name === null ? -1 : MASK_NAMES.indexOf(name);

/** `after` lets through no more than `before`, and shows no more. */
function expectNarrower(before: Decision, after: Decision): void {
  expect(RANK[after.outcome]).toBeLessThanOrEqual(RANK[before.outcome]);
  expectMasksKept(before, after);
}

function expectMasksKept(before: Decision, after: Decision): void {
  if (before.outcome === 'deny' || after.outcome === 'deny') return;
  for (const [index, one] of before.obligations.outputMasks.entries())
    expect(strictness(after.obligations.outputMasks[index]!)).toBeGreaterThanOrEqual(strictness(one));
  for (const one of before.obligations.columnMasks) {
    const same = after.obligations.columnMasks.find(
      ({ relationOid, attnum }) => relationOid === one.relationOid && attnum === one.attnum,
    );
    expect(strictness(same?.mask ?? null)).toBeGreaterThanOrEqual(strictness(one.mask));
  }
  for (const one of before.obligations.detectors)
    expect(
      strictness(after.obligations.detectors.find(({ kind }) => kind === one.kind)?.mask ?? null),
    ).toBeGreaterThanOrEqual(strictness(one.mask));
  expect(after.obligations.affectsMax ?? Infinity).toBeLessThanOrEqual(before.obligations.affectsMax ?? Infinity);
}

const policies = fc.array(policy, { maxLength: 2 });
const runs = { numRuns: 400 };

describe('a decision', () => {
  test('is the one that the rules mean, whichever of two programs reads them', () => {
    const seen = { allow: 0, hold: 0, deny: 0 };
    fc.assert(
      fc.property(operation, task, policies, rows, (one, document, extra, expected) => {
        const got = answer(one, document, extra, expected);
        seen[got.outcome] += 1;
        const { outcome, obligations } = got;
        const meant = oracle(one, { task: document, policies: extra, catalog, isAllowedSystemRelation }, expected);
        expect({ outcome, outputMasks: obligations.outputMasks, affectsMax: obligations.affectsMax }).toEqual(meant);
      }),
      { numRuns: 2000 },
    );
    // The world must be one in which all three happen.
    expect(Math.min(seen.allow, seen.hold, seen.deny)).toBeGreaterThan(30);
  }, 60_000);

  test('only narrows when a policy is added', () => {
    fc.assert(
      fc.property(operation, task, policies, policy, rows, (one, document, before, added, expected) => {
        expectNarrower(answer(one, document, before, expected), answer(one, document, [...before, added], expected));
      }),
      runs,
    );
  });

  test('only narrows when more rows are expected, and depends on them exactly where it differs', () => {
    fc.assert(
      fc.property(operation, task, policies, rows, rows, (one, document, extra, a, b) => {
        const [fewer, more] = [
          answer(one, document, extra, Math.min(a, b)),
          answer(one, document, extra, Math.max(a, b)),
        ];
        expectNarrower(fewer, more);
        const fewest = answer(one, document, extra, 0);
        if (fewest.outcome !== 'deny' && !dependsOnEstimate(one, compile(document, extra)))
          expect(more).toEqual(fewest);
      }),
      runs,
    );
  });

  test('only narrows when a deny or mask rule is added to the task', () => {
    fc.assert(
      fc.property(operation, task, policies, fc.oneof(denyRule, maskRule), (one, document, extra, rule) => {
        const after =
          'target' in rule
            ? { ...document, deny: [...document.deny, rule] }
            : { ...document, mask: [...document.mask, rule] };
        expectNarrower(answer(one, document, extra), answer(one, after, extra));
      }),
      runs,
    );
  });

  test('never goes from held to allowed, nor shows more, when a hold rule is added to the task', () => {
    fc.assert(
      fc.property(operation, task, policies, holdRule, (one, document, extra, rule) => {
        const before = answer(one, document, extra);
        const after = answer(one, { ...document, hold: [...document.hold, rule] }, extra);
        if (before.outcome === 'hold') expect(after.outcome).not.toBe('allow');
        expectMasksKept(before, after);
      }),
      runs,
    );
  });

  test('holds what only a hold rule opens, unless the statement runs nothing', () => {
    fc.assert(
      fc.property(operation, task, policies, (one, document, extra) => {
        fc.pre(one.statementClass !== 'explain' && one.effect === null);
        if (answer(one, { ...document, hold: [] }, extra).outcome === 'deny')
          expect(answer(one, document, extra).outcome).not.toBe('allow');
      }),
      { numRuns: 600 },
    );
  });

  test('does not depend on the order of rules or policies', () => {
    fc.assert(
      fc.property(operation, task, policies, (one, document, extra) => {
        const turned = {
          ...document,
          allow: document.allow.toReversed(),
          hold: document.hold.toReversed(),
          deny: document.deny.toReversed(),
          mask: document.mask.toReversed(),
        };
        const before = answer(one, document, extra);
        const after = answer(one, turned, extra.toReversed());
        expect(after.outcome).toBe(before.outcome);
        expect(after.obligations).toEqual(before.obligations);
        expect(after.approvals).toEqual(before.approvals);
      }),
      runs,
    );
  });

  test('allows nothing that reaches a relation, calls a function or writes where nothing is allowed', () => {
    fc.assert(
      fc.property(operation, task, policies, (one, document, extra) => {
        const { outcome } = answer(one, { ...document, allow: [], hold: [] }, extra);
        const reaches =
          one.accesses.some(({ system, verb }) => !system || verb !== 'select') ||
          one.functions.some(({ harmless }) => !harmless);
        if (reaches) expect(outcome).toBe('deny');
      }),
      runs,
    );
  });

  test('lets through what is not understood only where no rule and no policy takes anything away', () => {
    const unknown = { code: 'unsupported', message: 'not followed', position: null } as const;
    const seen = { yes: 0, no: 0 };
    const allowsAll = task.map((document) => ({ ...document, allow: [...document.allow, openAll] }));
    fc.assert(
      fc.property(operation, fc.oneof(task, allowsAll), policies, fc.boolean(), (one, document, extra, bare) => {
        const stripped = bare ? { ...document, hold: [], deny: [], mask: [] } : document;
        const { outcome } = answer({ ...one, unknowns: [unknown] }, stripped, bare ? [] : extra);
        const nothing = [stripped.hold, stripped.deny, stripped.mask].every((rules) => rules.length === 0);
        const open =
          nothing && (bare || extra.length === 0) && stripped.allow.every(({ affectsMax }) => affectsMax === null);
        if (outcome !== 'deny') expect(open).toBe(true);
        seen[outcome === 'deny' ? 'no' : 'yes'] += 1;
        const outside = { ...unknown, code: 'outside' as const };
        expect(answer({ ...one, unknowns: [outside] }, stripped, bare ? [] : extra).outcome).toBe('deny');
      }),
      runs,
    );
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(30);
  });

  test('always has a reason, and its masks are as many as its columns', () => {
    fc.assert(
      fc.property(operation, task, policies, (one, document, extra) => {
        const { reasons, obligations, outcome, approvals } = answer(one, document, extra);
        expect(reasons.length).toBeGreaterThan(0);
        expect(reasons.length).toBeLessThanOrEqual(10);
        expect(obligations.outputMasks.length).toBe(one.output?.length ?? 0);
        expect(approvals !== null).toBe(outcome === 'hold');
      }),
      runs,
    );
  });

  test('is a denial, not an exception, for what is no operation at all', () => {
    const set = compile({ ...fc.sample(task, 1)[0]!, allow: [openAll], hold: [], deny: [], mask: [] }, []);
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ unknowns: fc.anything(), accesses: fc.anything(), output: fc.anything() })),
        (value) => {
          expect(decide(value as SqlOperation, set).outcome).toBe('deny');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is a denial for any rule that cannot be compiled', () => {
    const broken = [
      null,
      {},
      { target: null },
      { target: { kind: 'else' } },
      { source: { path: 'deny.0', line: 1 }, target: { kind: 'access' } },
    ];
    for (const rule of broken) {
      const document = {
        ...fc.sample(task, 1)[0]!,
        allow: [openAll],
        hold: [],
        deny: [rule as unknown as DenyRule],
        mask: [],
      };
      const decision = answer(build('select'), document, []);
      expect(decision.outcome).toBe('deny');
      expect(decision.reasons[0]!.code).toBe('rule-failed');
    }
  });
});
