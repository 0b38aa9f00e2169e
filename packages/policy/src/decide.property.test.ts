import type { SqlOperation } from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, dependsOnEstimate } from './decide.ts';
import { operation as build } from './operation-builder.ts';
import { oracle } from './oracle.ts';
import type { DenyRule } from './policy-document.ts';
import {
  answer,
  catalog,
  compile,
  denyRule,
  expectMasksKept,
  expectNarrower,
  holdRule,
  isAllowedSystemRelation,
  maskRule,
  openAll,
  operation,
  policy,
  rows,
  task,
} from './testing/document-world.ts';

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
