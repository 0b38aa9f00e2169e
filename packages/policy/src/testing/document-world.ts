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
import { expect } from 'vitest';
import { compilePolicySet } from '../compile-policy-set.ts';
import { decide } from '../decide.ts';
import { operation as build, call } from '../operation-builder.ts';
import { NO_RECORD_TERMS } from '../parse-terms.ts';
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
} from '../policy-document.ts';

// A world small enough that rules and operations meet often.
export const RELATIONS = [
  'public.a',
  'public.b',
  'public.child',
  'app.a',
  'pg_catalog.pg_class',
  'pg_catalog.pg_authid',
] as const;
export const COLUMNS = ['x', 'y', 'xy'] as const;
export const catalog = buildCatalog({
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
export const isAllowedSystemRelation = (_: string, name: string): boolean => name === 'pg_class';

export const maybe = <T>(weight: number, one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight, arbitrary: one });
const namePattern = (exact: readonly string[], globs: readonly string[]) =>
  fc.oneof(
    fc.constantFrom(...exact).map((text) => ({ text, exact: true })),
    fc.constantFrom(...globs).map((text) => ({ text, exact: false })),
  );
export const relationPattern = fc.record({
  schema: namePattern(['public', 'app', 'pg_catalog'], ['*']),
  name: namePattern(['a', 'b', 'child', 'pg_authid', 'f'], ['*', 'c*', '*i*']),
});
export const columnName = namePattern(COLUMNS, ['*', 'x*', '*y']);
export const columnPattern = fc
  .tuple(relationPattern, columnName)
  .map(([relation, column]) => ({ ...relation, column }));
export const source = fc.record({ path: fc.constantFrom('r.0', 'r.1', 'r.2'), line: fc.nat(9) });
export const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 3 });
export const accessTarget = fc.record({
  kind: fc.constant('access' as const),
  verb: fc.constantFrom(...RULE_VERBS),
  relations: some(relationPattern),
  columns: maybe(3, some(columnName)),
});
const classes = fc.oneof(fc.constant('*' as const), some(fc.constantFrom(...STATEMENT_CLASSES)));
export const statementsTarget = fc.record({
  kind: fc.constant('statements' as const),
  classes,
  on: maybe(2, some(relationPattern)),
});
const types = fc.constantFrom(null, null, ['integer']);
const functionPattern = fc.tuple(relationPattern, types).map(([name, given]) => ({ ...name, arguments: given }));
export const anyTarget: fc.Arbitrary<RuleTarget> = fc.oneof(
  { weight: 5, arbitrary: accessTarget },
  { weight: 4, arbitrary: statementsTarget },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('functions' as const), functions: some(functionPattern) }) },
);
export const affectsMax = maybe(1, fc.integer({ min: 1, max: 3 }));
/** Rows of a statement, and what rules say of them: unknown rows are more than any. */
export const rows = fc.constantFrom(0, 10, 11, 500, Infinity);
export const estimate = maybe(1, fc.constantFrom(10, 100));
export const allowRule: fc.Arbitrary<AllowRule> = fc.record({
  source,
  target: anyTarget,
  affectsMax,
  estimateMax: estimate,
});
export const holdRule: fc.Arbitrary<HoldRule> = fc.record({
  source,
  target: fc.oneof(accessTarget, statementsTarget),
  affectsMax,
  approvals: fc.record({
    from: fc.constantFrom(['dba'], ['dba', 'ops'], ['ops']),
    count: fc.integer({ min: 1, max: 3 }),
    timeoutMs: fc.constantFrom(1000, 2000),
    stepUp: fc.boolean(),
  }),
  estimateAbove: estimate,
});
export const denyRule: fc.Arbitrary<DenyRule> = fc.record({ source, target: anyTarget, estimateAbove: estimate });
export const mask = fc.constantFrom(...MASK_NAMES);
export const maskRule: fc.Arbitrary<MaskRule> = fc.oneof(
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
export const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 2 });
/** Seldom more than none: a world in which most is denied says little. */
export const seldom = <T>(one: fc.Arbitrary<T>) => maybe(1, one).map((rule) => (rule === null ? [] : [rule]));
export const openAll: AllowRule = {
  source: { path: 'allow.0', line: 1 },
  target: { kind: 'statements', classes: '*', on: null },
  affectsMax: null,
};
export const task: fc.Arbitrary<TaskDocument> = fc
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
export const policy: fc.Arbitrary<PolicyDocument> = fc
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
export const operation: fc.Arbitrary<SqlOperation> = fc.oneof(
  { weight: 5, arbitrary: plainOperation },
  {
    weight: 1,
    arbitrary: fc
      .tuple(effect(plainOperation), body)
      .map(([one, parts]) => build(EFFECT_CLASS[one.kind]!, { ...parts, effect: one })),
  },
);

export const compile = (document: TaskDocument, policies: readonly PolicyDocument[]) =>
  compilePolicySet({
    task: { name: 't', revision: 1, document },
    policies: policies.map((one, index) => ({ name: `p${index}`, revision: 1, document: one })),
    resource: { name: 'r', labels: {} },
    catalog,
    isAllowedSystemRelation,
  });
export const answer = (
  one: SqlOperation,
  document: TaskDocument,
  policies: readonly PolicyDocument[],
  expected?: number,
): Decision => decide(one, compile(document, policies), expected);

export const RANK = { deny: 0, hold: 1, allow: 2 } as const;
export const strictness = (name: (typeof MASK_NAMES)[number] | null): number =>
  name === null ? -1 : MASK_NAMES.indexOf(name);

/** `after` lets through no more than `before`, and shows no more. */
export function expectNarrower(before: Decision, after: Decision): void {
  expect(RANK[after.outcome]).toBeLessThanOrEqual(RANK[before.outcome]);
  expectMasksKept(before, after);
}

export function expectMasksKept(before: Decision, after: Decision): void {
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
