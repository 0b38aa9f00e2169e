import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attenuate } from './attenuate.ts';
import { describeNarrowing } from './describe-narrowing.ts';
import { formatTask } from './format-task.ts';
import { narrowTask, type TaskNarrowing } from './narrow-task.ts';
import { parseTask } from './parse-task.ts';
import type { TaskDocument } from './policy-document.ts';
import { task as anyTask } from './testing/document-world.ts';

const PARENT = `kind: Task
name: support
purpose: 'Look up orders: and correct them'
resource: shop
who: { groups: [support], agents: [helper] }
access:
  reason: required
  approvals: { from: [dba], count: 1 }
  ttl: 30m
  when: 'now.hour > 7'
  step-up: both
allow:
  - select: public.orders
  - select: public.customers
    columns: [id, name, '"Full Name"']
  - functions: 'public.order_total(int, text)'
hold:
  - update: public.orders
    columns: [status]
    affects: { max: 1 }
    approvals: { from: [dba] }
mask:
  - { columns: public.customers.email, as: email }
  - kinds: [card-number, ssn]
limits: { rows: 100, bytes: 2MB }
record: { readers: [auditors], keep: 30d }
`;

function parsed(source: string): TaskDocument {
  const result = parseTask(source);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.document;
}
const problems = (narrowing: unknown): readonly string[] => {
  const result = narrowTask(PARENT, narrowing as TaskNarrowing);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
};
function narrowed(narrowing: TaskNarrowing): TaskDocument {
  const result = narrowTask(PARENT, narrowing);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  expect(parsed(result.source)).toEqual(result.document);
  return result.document;
}

describe('a narrowed task', () => {
  test('is the parent where nothing is narrowed', () => {
    expect(withoutPlaces(narrowed({}))).toEqual(withoutPlaces(parsed(formatTask(parsed(PARENT)))));
    expect(describeNarrowing(parsed(PARENT), narrowed({}))).toEqual([]);
  });

  test('has exactly the permissions that the narrowing names, where it names any', () => {
    const read = narrowed({ allow: [{ select: 'public.customers', columns: ['id'] }] });
    expect(read.allow).toHaveLength(1);
    expect(read.hold).toEqual([]);
    expect(narrowed({ hold: [] })).toMatchObject({ allow: [], hold: [] });
    expect(narrowed({ allow: [] })).toMatchObject({ allow: [], hold: [] });
  });

  test('keeps what the parent takes away, and adds to it', () => {
    const child = narrowed({
      deny: [{ select: 'public.orders', columns: ['total'] }],
      mask: [{ columns: 'public.orders.id', as: 'null' }],
    });
    expect(child.deny).toHaveLength(1);
    expect(child.mask.map((rule) => rule.kind)).toEqual(['columns', 'kinds', 'kinds', 'columns']);
    expect(child.mask.at(-1)).toMatchObject({ mask: 'null' });
  });

  test('has the smaller of both limits', () => {
    expect(narrowed({ limits: { rows: 10, bytes: '1GB', connections: 1 } }).limits).toMatchObject({
      rows: 10,
      bytes: 2_000_000,
      connections: 1,
      idleMs: null,
    });
  });

  test('can be narrowed again, and stays within the first', () => {
    const first = narrowTask(PARENT, { allow: [{ select: 'public.customers', columns: ['id', 'name'] }] });
    const second = first.ok
      ? narrowTask(first.source, { allow: [{ select: 'public.customers', columns: ['id'] }] })
      : first;
    expect(second.ok && attenuate(parsed(PARENT), second.document)).toEqual({ ok: true });
    const back = first.ok ? narrowTask(first.source, { allow: [{ select: 'public.orders' }] }) : first;
    expect(back).toMatchObject({ ok: false, wider: [{ dimension: 'relation' }] });
  });

  test('names the column that is wider, at its place in the narrowing', () => {
    const result = narrowTask(PARENT, {
      allow: [{ select: 'public.orders' }, { select: 'public.customers', columns: ['id', 'ssn'] }],
    });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        {
          path: 'allow.1',
          message: "column `ssn` of `public.customers` is not in the parent's `select`",
          position: null,
        },
      ],
      wider: [{ dimension: 'column' }],
    });
  });

  test.each([
    [{ alow: [] }, 'alow: `alow` is not known here; did you mean `allow`?'],
    [{ allow: null }, 'allow: `allow` must be a list'],
    [{ allow: { select: 'public.orders' } }, 'allow: `allow` must be a list'],
    [{ allow: [{ select: [] }] }, 'allow.0.select: `allow.0.select` is empty'],
    [{ allow: [{ select: 'public.orders', columns: [] }] }, 'allow.0.columns: `allow.0.columns` is empty'],
    [{ hold: [{ update: 'public.orders' }] }, 'hold.0.approvals: `approvals` is missing'],
    [{ mask: [{ columns: 'email', as: 'email' }] }, 'mask.0.columns: `email` is not a column'],
    [{ limits: { rows: 0 } }, 'limits.rows: `limits.rows` must be a whole number'],
    [{ limits: 5 }, 'limits: `limits` must be a mapping'],
    [{ resource: 'other' }, 'resource: `resource` is not known here'],
    [{ who: { groups: ['all'] } }, 'who: `who` is not known here'],
    [[], ': the document must be a mapping'],
    [null, ': the document must be a mapping'],
    [undefined, ': the narrowing is not plain JSON'],
    [{ allow: [{ select: 'public."a\0"' }] }, ': the narrowing has a NUL in it; remove it'],
  ])('refuses %j', (narrowing, message) => {
    expect(problems(narrowing).join('\n')).toContain(message);
  });

  test('reads no text of the narrowing as YAML', () => {
    for (const text of [
      '&a public.orders',
      '*a',
      '!!str x',
      "public.orders\n  - select: '*'",
      '# x',
      '? a',
      'null',
      '~',
      '%x',
      '---',
    ])
      expect(problems({ allow: [{ select: text }] }), text).not.toEqual([]);
  });

  test('of a parent that cannot be read is none', () => {
    expect(narrowTask('kind: Policy', {})).toMatchObject({
      ok: false,
      problems: [{ message: 'the task that it narrows cannot be read' }],
    });
  });
});

describe('a passkey that the parent asks for', () => {
  const SIGNED = PARENT.replace('approvals: { from: [dba] }', 'approvals: { from: [dba], step-up: true }');

  test('is asked for in the child too', () => {
    const child = narrowTask(SIGNED, { limits: { rows: 5 } });
    if (!child.ok) throw new Error(JSON.stringify(child.problems));
    expect(child.document.access.stepUp).toBe('both');
    expect(child.document.hold[0]!.approvals.stepUp).toBe(true);
  });

  test.each(['none', 'activation', 'approval'] as const)('is not left out by a child that asks for %s', (stepUp) => {
    const parent = parsed(SIGNED);
    expect(attenuate(parent, { ...parent, access: { ...parent.access, stepUp } }).ok).toBe(false);
    expect(attenuate({ ...parent, access: { ...parent.access, stepUp } }, parent).ok).toBe(true);
  });

  test('is not left out of a hold', () => {
    const narrowing = {
      hold: [{ update: 'public.orders', columns: ['status'], affects: { max: 1 }, approvals: { from: ['dba'] } }],
    };
    const child = narrowTask(SIGNED, narrowing);
    expect(child.ok ? [] : child.wider.map(({ dimension }) => dimension)).toEqual(['hold']);
  });
});

describe('how a task was narrowed', () => {
  test('is said by dimension, before and after', () => {
    const child = narrowed({
      allow: [{ select: 'public.customers', columns: ['id'] }],
      hold: [
        { update: 'public.orders', columns: ['status'], affects: { max: 1 }, approvals: { from: ['dba'], count: 2 } },
      ],
      deny: [{ delete: 'public.orders' }],
      mask: [{ columns: 'public.customers.id', as: 'hash' }],
      limits: { rows: 10 },
    });
    expect(describeNarrowing(parsed(PARENT), child)).toEqual([
      { dimension: 'relation', what: 'select on public.orders', before: 'allowed', after: 'not allowed' },
      {
        dimension: 'column',
        what: 'select on public.customers',
        before: 'columns id, name, "Full Name"',
        after: 'columns id',
      },
      {
        dimension: 'function',
        what: 'call of public.order_total(integer, text)',
        before: 'allowed',
        after: 'not allowed',
      },
      {
        dimension: 'hold',
        what: 'update on public.orders',
        before: 'approval by 1 of dba within 10m',
        after: 'approval by 2 of dba within 10m',
      },
      { dimension: 'deny', what: 'delete on public.orders', before: 'not denied', after: 'denied' },
      { dimension: 'mask', what: 'public.customers.id', before: 'in clear', after: 'hash' },
      { dimension: 'limit', what: 'limits.rows', before: '100', after: '10' },
    ]);
  });
});

/** Where a rule stands in its text is not what it means. */
function withoutPlaces(document: TaskDocument): unknown {
  return JSON.parse(JSON.stringify(document, (key, value) => (key === 'source' ? undefined : value)));
}

test('a task as text means the same task', () => {
  // What can be written: system relations, empty lists and some pairs cannot, and are skipped.
  let written = 0;
  fc.assert(
    fc.property(anyTask, (document) => {
      const first = parseTask(formatTask({ ...document, access: { ...document.access, ttlMs: 60_000 } }));
      if (!first.ok) return;
      written += 1;
      const again = parseTask(formatTask(first.document));
      expect(again.ok && withoutPlaces(again.document)).toEqual(withoutPlaces(first.document));
      const { allow, deny } = document;
      const targets = (one: Pick<TaskDocument, 'allow' | 'deny'>) =>
        withoutStars([...one.allow, ...one.deny].map(({ target }) => target));
      expect(targets(first.document)).toEqual(targets({ allow, deny }));
    }),
    { numRuns: 400 },
  );
  expect(written).toBeGreaterThan(20);
}, 60_000);

/** A list of columns with `*` in it is every column; a class named twice is named once. */
function withoutStars(targets: readonly TaskDocument['deny'][number]['target'][]): unknown {
  return targets.map((target) =>
    target.kind === 'access' && target.columns?.some(({ text, exact }) => text === '*' && !exact)
      ? { ...target, columns: null }
      : target,
  );
}
