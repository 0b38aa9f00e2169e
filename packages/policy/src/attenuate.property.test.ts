import {
  type AccessVerb,
  type ApprovalTerms,
  type FiredEffect,
  NO_LIMITS,
  type RelationAccess,
  type SqlOperation,
} from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attenuate } from './attenuate.ts';
import { decide } from './decide.ts';
import type { RuleTarget, TaskDocument } from './policy-document.ts';
import {
  affectsMax,
  allowRule,
  anyTarget,
  columnName,
  compile,
  denyRule,
  estimate,
  expectNarrower,
  few,
  holdRule,
  operation as looseOperation,
  task as looseTask,
  maskRule,
  policy,
  relationPattern,
  rows,
} from './testing/document-world.ts';

// What a view and a foreign key reach as the analysis says it: a read only reads, a write also writes what it reads.
const WRITES: readonly AccessVerb[] = ['insert', 'update', 'delete', 'truncate', 'lock'];
function asView(access: RelationAccess, verb: AccessVerb): RelationAccess {
  if (access.system) return { ...access, verb, expands: [] };
  const reads = access.expands.map((one) => asView(one, 'select'));
  if (verb === 'select') return { ...access, verb, expands: reads };
  if (!WRITES.includes(verb)) return { ...access, verb, expands: [] };
  return { ...access, verb, expands: [...reads, ...access.expands.map((one) => asView(one, verb))] };
}

const deep = (access: RelationAccess): readonly RelationAccess[] => [access, ...access.expands.flatMap(deep)];

const fired: fc.Arbitrary<readonly FiredEffect[]> = few(
  fc
    .tuple(fc.constantFrom('public.a', 'public.b', 'app.a'), fc.constantFrom('update' as const, 'delete' as const))
    .map(([name, writes]) => ({
      kind: 'foreign-key' as const,
      name: 'k',
      relation: { schema: name.split('.')[0]!, name: name.split('.')[1]! },
      on: 'delete' as const,
      runs: null,
      writes,
    })),
);
function asAnalysed(one: SqlOperation, fires: readonly FiredEffect[]): SqlOperation {
  const accesses = one.accesses.map((access) => asView(access, access.verb));
  const verbs = new Set(accesses.flatMap(deep).map(({ verb }) => verb));
  const { effect } = one;
  return {
    ...one,
    accesses,
    fires: fires.filter(({ writes }) => verbs.has('delete') || (writes === 'update' && verbs.has('update'))),
    effect:
      effect?.kind === 'prepare' || effect?.kind === 'declare'
        ? { ...effect, statement: asAnalysed(effect.statement, []) }
        : effect,
  };
}
const operation = fc.tuple(looseOperation, fired).map(([one, fires]) => asAnalysed(one, fires));
const unknownOperation = fc
  .tuple(operation, fc.integer({ min: 0, max: 9 }))
  .map(
    ([one, dice]): SqlOperation =>
      dice > 0 ? one : { ...one, unknowns: [{ code: 'unsupported', message: 'not followed', position: null }] },
  );

const limits = fc.record({ rows: fc.constantFrom(null, 10, 20), connections: fc.constantFrom(null, 1, 2) });
const task: fc.Arbitrary<TaskDocument> = fc
  .tuple(looseTask, limits, fc.constantFrom(1, 2))
  .map(([document, some, ttlMs]) => ({
    ...document,
    hold: document.hold.map((rule) => ({ ...rule, ...(rule.source.line % 3 === 0 ? { dryRun: true } : {}) })),
    limits: { ...NO_LIMITS, ...some },
    access: { ...document.access, ttlMs },
  }));

// Children that are near their parents, in either direction.
type Change = (document: TaskDocument) => TaskDocument;
const at = <T>(list: readonly T[], index: number, change: (one: T) => T | null): readonly T[] =>
  list.flatMap((one, i) => (i === index % Math.max(list.length, 1) ? (change(one) ?? []) : one));
const rule = fc.nat(3);

function inTarget<T extends RuleTarget>(target: T, relation: Parameters<typeof narrowRelation>[1]): T {
  if (target.kind === 'access') return { ...target, relations: narrowRelation(target.relations, relation) };
  if (target.kind === 'statements' && target.on !== null) return { ...target, on: narrowRelation(target.on, relation) };
  return target;
}
const narrowRelation = <T>(
  list: readonly T[],
  relation: { readonly index: number; readonly with: T | null },
): readonly T[] => {
  const found = at(list, relation.index, () => relation.with);
  return found.length === 0 ? list : found;
};
const relationChange = fc.record({ index: fc.nat(2), with: fc.oneof(fc.constant(null), relationPattern) });
const columnsChange = fc.oneof(fc.constant(null), fc.array(columnName, { minLength: 1, maxLength: 2 }));

const change: fc.Arbitrary<Change> = fc.oneof(
  rule.map(
    (i): Change =>
      (one) => ({ ...one, allow: at(one.allow, i, () => null) }),
  ),
  rule.map(
    (i): Change =>
      (one) => ({ ...one, hold: at(one.hold, i, () => null) }),
  ),
  rule.map(
    (i): Change =>
      (one) => ({ ...one, deny: at(one.deny, i, () => null) }),
  ),
  rule.map(
    (i): Change =>
      (one) => ({ ...one, mask: at(one.mask, i, () => null) }),
  ),
  denyRule.map(
    (added): Change =>
      (one) => ({ ...one, deny: [...one.deny, added] }),
  ),
  maskRule.map(
    (added): Change =>
      (one) => ({ ...one, mask: [...one.mask, added] }),
  ),
  holdRule.map(
    (added): Change =>
      (one) => ({ ...one, hold: [...one.hold, added] }),
  ),
  allowRule.map(
    (added): Change =>
      (one) => ({ ...one, allow: [...one.allow, added] }),
  ),
  allowRule.map(
    (added): Change =>
      (one) => ({ ...one, allow: [added] }),
  ),
  fc.tuple(rule, relationChange).map(
    ([i, relation]): Change =>
      (one) => ({ ...one, allow: at(one.allow, i, (it) => ({ ...it, target: inTarget(it.target, relation) })) }),
  ),
  fc.tuple(rule, relationChange).map(
    ([i, relation]): Change =>
      (one) => ({ ...one, hold: at(one.hold, i, (it) => ({ ...it, target: inTarget(it.target, relation) })) }),
  ),
  fc.tuple(rule, columnsChange).map(
    ([i, columns]): Change =>
      (one) => ({
        ...one,
        allow: at(one.allow, i, (it) =>
          it.target.kind === 'access' ? { ...it, target: { ...it.target, columns } } : it,
        ),
      }),
  ),
  fc.tuple(rule, columnsChange).map(
    ([i, columns]): Change =>
      (one) => ({
        ...one,
        hold: at(one.hold, i, (it) =>
          it.target.kind === 'access' ? { ...it, target: { ...it.target, columns } } : it,
        ),
      }),
  ),
  fc.tuple(rule, anyTarget).map(
    ([i, target]): Change =>
      (one) => ({ ...one, allow: at(one.allow, i, (it) => ({ ...it, target })) }),
  ),
  fc.tuple(rule, estimate).map(
    ([i, estimateMax]): Change =>
      (one) => ({ ...one, allow: at(one.allow, i, (it) => ({ ...it, estimateMax })) }),
  ),
  fc.tuple(rule, affectsMax).map(
    ([i, max]): Change =>
      (one) => ({ ...one, allow: at(one.allow, i, (it) => ({ ...it, affectsMax: max })) }),
  ),
  fc.tuple(rule, holdRule).map(
    ([i, other]): Change =>
      (one) => ({
        ...one,
        hold: at(one.hold, i, (it) => ({ ...other, target: it.target })),
      }),
  ),
  // A hold made an allow, and the other way around.
  rule.map(
    (i): Change =>
      (one) => ({
        ...one,
        allow: [
          ...one.allow,
          ...one.hold
            .slice(i, i + 1)
            .map(({ source, target, affectsMax: max }) => ({ source, target, affectsMax: max })),
        ],
        hold: at(one.hold, i, () => null),
      }),
  ),
  fc.tuple(rule, holdRule).map(
    ([i, { approvals }]): Change =>
      (one) => ({
        ...one,
        hold: [
          ...one.hold,
          ...one.allow
            .slice(i, i + 1)
            .flatMap(({ source, target, affectsMax: max }) =>
              target.kind === 'functions' ? [] : [{ source, target, affectsMax: max, approvals }],
            ),
        ],
      }),
  ),
  limits.map(
    (some): Change =>
      (one) => ({ ...one, limits: { ...NO_LIMITS, ...some } }),
  ),
  fc.constantFrom(1, 2).map(
    (ttlMs): Change =>
      (one) => ({ ...one, access: { ...one.access, ttlMs } }),
  ),
);
const near = (parent: TaskDocument): fc.Arbitrary<TaskDocument> =>
  fc.array(change, { maxLength: 3 }).map((changes) => changes.reduce((one, apply) => apply(one), parent));
const family = task.chain((parent) => near(parent).map((child) => ({ parent, child })));

const policies = fc.array(policy, { maxLength: 1 });
/** More of them find more: `ATTENUATE_RUNS=50000` takes some minutes. */
const runs = Number(process.env.ATTENUATE_RUNS ?? 1500);

function expectStrict(before: ApprovalTerms, after: ApprovalTerms): void {
  expect(after.from.filter((group) => !before.from.includes(group))).toEqual([]);
  expect(after.count).toBeGreaterThanOrEqual(before.count);
  expect(after.timeoutMs).toBeLessThanOrEqual(before.timeoutMs);
}

describe('a child that is proven to be within its parent', () => {
  test('lets through, shows and writes nothing that the parent does not, whatever policies and rows there are', () => {
    const seen = { proven: 0, refused: 0, changed: 0, allow: 0, hold: 0, allowAndHold: 0 };
    fc.assert(
      fc.property(
        family,
        policies,
        fc.array(unknownOperation, { minLength: 10, maxLength: 10 }),
        rows,
        ({ parent, child }, extra, operations, expected) => {
          const proof = attenuate(parent, child);
          seen[proof.ok ? 'proven' : 'refused'] += 1;
          if (!proof.ok) return;
          if (child !== parent) seen.changed += 1;
          const [outer, inner] = [compile(parent, extra), compile(child, extra)];
          for (const one of operations) {
            const [before, after] = [decide(one, outer, expected), decide(one, inner, expected)];
            expectNarrower(before, after);
            if (after.outcome === 'allow') seen.allow += 1;
            if (after.outcome === 'hold') seen[before.outcome === 'allow' ? 'allowAndHold' : 'hold'] += 1;
            if (before.approvals !== null && after.approvals !== null) expectStrict(before.approvals, after.approvals);
            if (before.outcome === 'hold' && after.obligations.dryRun === true)
              expect(before.obligations.dryRun).toBe(true);
          }
        },
      ),
      { numRuns: runs },
    );
    // A world in which each of these happens often.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(20);
  }, 600_000);

  test('is the parent itself, and a child of a child', () => {
    let proven = 0;
    fc.assert(
      fc.property(
        family.chain(({ parent, child }) => near(child).map((grandchild) => ({ parent, child, grandchild }))),
        ({ parent, child, grandchild }) => {
          expect(attenuate(parent, parent)).toEqual({ ok: true });
          if (!attenuate(parent, child).ok || !attenuate(child, grandchild).ok) return;
          proven += 1;
          expect(attenuate(parent, grandchild)).toEqual({ ok: true });
        },
      ),
      { numRuns: runs },
    );
    expect(proven).toBeGreaterThan(100);
  }, 600_000);

  // Not all that is narrower can be proven: where a name may be a view, a count or a hold must be kept. All else must.
  test('is every child that only has fewer rules and columns, stricter terms and lower limits', () => {
    const seen = { proven: 0, refused: 0 };
    const narrowing: fc.Arbitrary<Change> = fc.oneof(
      rule.map(
        (i): Change =>
          (one) => ({ ...one, allow: at(one.allow, i, () => null) }),
      ),
      rule.map(
        (i): Change =>
          (one) => ({
            ...one,
            allow: at(one.allow, i, (it) =>
              it.target.kind === 'access'
                ? {
                    ...it,
                    target: { ...it.target, columns: it.target.columns?.slice(0, 1) ?? [{ text: 'x', exact: true }] },
                  }
                : it,
            ),
          }),
      ),
      rule.map(
        (i): Change =>
          (one) => ({
            ...one,
            allow: at(one.allow, i, (it) =>
              it.target.kind === 'access'
                ? { ...it, target: { ...it.target, relations: it.target.relations.slice(0, 1) } }
                : it,
            ),
          }),
      ),
      rule.map(
        (i): Change =>
          (one) => ({
            ...one,
            allow: at(one.allow, i, (it) => ({
              ...it,
              affectsMax: 1,
              estimateMax: Math.min(it.estimateMax ?? 50, 50),
            })),
          }),
      ),
      rule.map(
        (i): Change =>
          (one) => ({
            ...one,
            hold: at(one.hold, i, (it) => ({
              ...it,
              estimateAbove: it.dryRun === true ? (it.estimateAbove ?? null) : null,
              approvals: { ...it.approvals, count: 9, timeoutMs: 500 },
            })),
          }),
      ),
      denyRule.map(
        (added): Change =>
          (one) => ({ ...one, deny: [...one.deny, added] }),
      ),
      maskRule.map(
        (added): Change =>
          (one) => ({ ...one, mask: [...one.mask, added] }),
      ),
      fc.constant<Change>((one) => ({
        ...one,
        limits: { ...one.limits, rows: 1, bytes: 1 },
        access: { ...one.access, ttlMs: 1 },
      })),
    );
    fc.assert(
      fc.property(task, fc.array(narrowing, { minLength: 1, maxLength: 3 }), (parent, changes) => {
        const proof = attenuate(
          parent,
          changes.reduce((one, apply) => apply(one), parent),
        );
        seen[proof.ok ? 'proven' : 'refused'] += 1;
        const others = proof.ok
          ? []
          : proof.problems.filter(
              // What lets through what is not understood is more than it seems.
              ({ dimension, message }) => dimension !== 'affects' && !message.includes('takes nothing away'),
            );
        expect(others).toEqual([]);
      }),
      { numRuns: runs },
    );
    expect(seen.proven / (seen.proven + seen.refused), JSON.stringify(seen)).toBeGreaterThan(0.9);
  }, 600_000);
});
