import { describe, expect, test } from 'vitest';
import { attenuate } from './attenuate.ts';
import { parseTask } from './parse-task.ts';
import type { TaskDocument } from './policy-document.ts';

function task(text: string): TaskDocument {
  const head = 'kind: Task\nname: t\npurpose: p\n';
  const parsed = parseTask(`${head}${/^resource:/m.test(text) ? '' : 'resource: r\n'}${text}`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
}

/** `dimension: message` of each problem; none: it is proven. */
function wider(parent: string, child: string): readonly string[] {
  const proof = attenuate(task(parent), task(child));
  return proof.ok ? [] : proof.problems.map(({ dimension, message }) => `${dimension}: ${message}`);
}

const BY_DBA = 'approvals: { from: [dba, ops], count: 2, timeout: 10m }';

describe('a child is within its parent', () => {
  test.each([
    ['the same', 'allow: [{ select: public.a }]', 'allow: [{ select: public.a }]'],
    ['nothing at all', 'allow: [{ select: public.a }]', 'allow: []'],
    ['one relation of a pattern', "allow: [{ select: 'public.*' }]", 'allow: [{ select: public.orders }]'],
    ['a pattern within a pattern', "allow: [{ select: 'public.*' }]", "allow: [{ select: 'public.order_*' }]"],
    ['one schema of all', "allow: [{ select: '*' }]", "allow: [{ select: 'public.*' }]"],
    ['a temporary schema by name, of all', "allow: [{ select: '*' }]", 'allow: [{ select: pg_temp.t }]'],
    [
      'fewer columns',
      'allow: [{ select: public.a, columns: [id, ssn] }]',
      'allow: [{ select: public.a, columns: [id] }]',
    ],
    [
      'columns of a pattern',
      "allow: [{ select: public.a, columns: ['x*'] }]",
      'allow: [{ select: public.a, columns: [x, xy] }]',
    ],
    [
      'columns that several rules of the parent have together',
      'allow: [{ select: public.a, columns: [x] }, { select: public.a, columns: [y] }]',
      'allow: [{ select: public.a, columns: [x, y] }]',
    ],
    [
      'relations that several rules of the parent have together',
      'allow: [{ select: public.a }, { select: public.b }]',
      'allow: [{ select: [public.a, public.b] }]',
    ],
    ['a quoted name as it is', `allow: [{ select: '"My Shop"."A*"' }]`, `allow: [{ select: '"My Shop"."A*"' }]`],
    ['a verb of a class', 'allow: [{ statements: [select] }]', 'allow: [{ select: public.a, columns: [x] }]'],
    ['a class of a verb', "allow: [{ insert: '*' }]", 'allow: [{ statements: [copy-from] }]'],
    ['classes of every statement', "allow: [{ statements: '*' }]", 'allow: [{ statements: [create, call, select] }]'],
    [
      'built-in functions of every statement',
      "allow: [{ statements: '*' }]",
      'allow: [{ functions: pg_catalog.lower }]',
    ],
    ['one signature of a function', 'allow: [{ functions: public.f }]', 'allow: [{ functions: public.f(integer) }]'],
    ['fewer rows expected', 'allow: [{ select: public.a }]', 'allow: [{ select: public.a, estimate: { max: 10 } }]'],
    ['a hold of what is allowed', 'allow: [{ update: public.a }]', `hold: [{ update: public.a, ${BY_DBA} }]`],
    [
      'a hold with fewer who approve, more approvals and less time',
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'hold: [{ update: public.a, approvals: { from: [dba], count: 3, timeout: 5m } }]',
    ],
    [
      'no hold where it only reads',
      `allow: [{ select: public.a }]\nhold: [{ update: public.a, ${BY_DBA} }]`,
      'allow: [{ select: public.a }]',
    ],
    [
      'a held part denied',
      `allow: [{ select: public.a }]\nhold: [{ select: public.b, ${BY_DBA} }]`,
      'allow: [{ select: public.a }]\ndeny: [{ select: public.b }]',
    ],
    [
      'a hold dropped where all that could come to it is held on its terms',
      `hold: [{ update: public.a, ${BY_DBA} }, { update: public.b, ${BY_DBA} }]`,
      `hold: [{ update: public.a, ${BY_DBA} }]`,
    ],
    ['a wider deny', 'deny: [{ select: public.a, columns: [x] }]', "deny: [{ select: 'public.*' }]"],
    ['a stricter mask', 'mask: [{ columns: public.a.x, as: email }]', "mask: [{ columns: 'public.a.*', as: redact }]"],
    ['a stricter mask of a kind', 'mask: [{ kinds: [ssn] }]', "mask: [{ kinds: [ssn, email], as: 'null' }]"],
    [
      'a smaller count',
      'allow: [{ update: public.a, affects: { max: 9 } }]',
      'allow: [{ update: public.a, columns: [x], affects: { max: 2 } }]',
    ],
    ['smaller limits', 'limits: { rows: 10 }', 'limits: { rows: 10, bytes: 1KB, idle: 1m }'],
    ['an earlier end', 'access: { ttl: 1h }', 'access: { ttl: 30m }'],
    ['a condition more', "access: { when: 'now.hour>7' }", "access: { when: 'now.weekday == 1 && (now.hour > 7)' }"],
    [
      'an approval of its activation in less time',
      'access: { approvals: { from: [dba] } }',
      'access: { approvals: { from: [dba], timeout: 4h } }',
    ],
    ['fewer who', 'who: { groups: [a, b], machines: [m] }', 'who: { groups: [a] }'],
    [
      'kept longer, read by fewer',
      'record: { readers: [a, b], keep: 1d }',
      'record: { readers: [a], keep: 2d, results: none }',
    ],
  ])('with %s', (_, parent, child) => {
    expect(wider(parent, child)).toEqual([]);
  });
});

describe('a child is refused, with the dimension in which it is wider', () => {
  test.each([
    // Relations and columns.
    [
      'allow: [{ select: public.a }]',
      'allow: [{ select: public.b }]',
      "relation: `public.b` is not in the parent's `select`",
    ],
    [
      'allow: [{ select: public.a }]',
      "allow: [{ select: 'public.a*' }]",
      "relation: `public.a*` is not in the parent's `select`",
    ],
    ["allow: [{ select: 'public.*' }]", "allow: [{ select: '*' }]", "relation: `*` is not in the parent's `select`"],
    [
      "allow: [{ select: 'public.*' }]",
      "allow: [{ select: 'p*.a' }]",
      "relation: `p*.a` is not in the parent's `select`",
    ],
    [
      "allow: [{ select: 'public.*' }]",
      'allow: [{ select: pg_temp.a }]',
      "relation: `pg_temp.a` is not in the parent's `select`",
    ],
    [
      'allow: [{ select: public.orders }]',
      `allow: [{ select: 'public."Orders"' }]`,
      'relation: `public."Orders"` is not in',
    ],
    [
      `allow: [{ select: 'public."a*"' }]`,
      "allow: [{ select: 'public.a*' }]",
      "relation: `public.a*` is not in the parent's",
    ],
    [
      `allow: [{ select: public.a, columns: ['"x*"'] }]`,
      "allow: [{ select: public.a, columns: ['x*'] }]",
      'column: column `x*` of `public.a` is not in',
    ],
    [
      'allow: [{ select: public.customers, columns: [id] }]',
      'allow: [{ select: public.customers, columns: [id, ssn] }]',
      "column: column `ssn` of `public.customers` is not in the parent's `select`",
    ],
    [
      'allow: [{ select: public.a, columns: [x] }]',
      'allow: [{ select: public.a }]',
      'column: every column of `public.a` is more than',
    ],
    [
      'allow: [{ select: public.a, columns: [x] }]',
      "allow: [{ select: public.a, columns: ['*'] }]",
      'column: every column of `public.a`',
    ],
    [
      'allow: [{ select: public.a, columns: [x] }]',
      "allow: [{ select: 'public.*', columns: [x] }]",
      'relation: `public.*` is not in',
    ],
    [
      "allow: [{ select: public.a, columns: ['x*'] }]",
      "allow: [{ select: public.a, columns: ['*x'] }]",
      'column: column `*x` of `public.a`',
    ],
    [
      'allow: [{ update: public.a, columns: [x] }, { select: public.a }]',
      'allow: [{ update: public.a, columns: [y] }]',
      "column: column `y` of `public.a` is not in the parent's `update`",
    ],
    [
      'allow: [{ select: public.a, columns: [x] }]',
      'allow: [{ statements: [select], on: public.a }]',
      'column: every column of `public.a`',
    ],
    [
      'allow: [{ select: public.a, columns: [x] }]',
      'allow: [{ statements: [copy-to], on: public.a }]',
      'column: every column of `public.a`',
    ],
    // Verbs and classes.
    [
      'allow: [{ select: public.a }]',
      'allow: [{ lock: public.a }]',
      'statement-class: `lock` on `public.a` is not in the parent, which has no `lock`',
    ],
    ['allow: [{ lock: public.a }]', 'allow: [{ select: public.a }]', 'statement-class: `select` on `public.a`'],
    [
      'allow: [{ statements: [copy-from] }]',
      'allow: [{ insert: public.a }]',
      'statement-class: `insert` on `public.a`',
    ],
    [
      'allow: [{ statements: [select, insert, update, delete] }]',
      "allow: [{ statements: '*' }]",
      "statement-class: `statements: '*'` is not in the parent",
    ],
    [
      "allow: [{ statements: '*', on: 'public.*' }]",
      "allow: [{ statements: '*' }]",
      "statement-class: `statements: '*'` is not",
    ],
    [
      "allow: [{ statements: '*', on: '*' }]",
      "allow: [{ statements: '*' }]",
      "statement-class: `statements: '*'` is not",
    ],
    [
      "allow: [{ statements: [create], on: '*' }]",
      'allow: [{ statements: [create] }]',
      'statement-class: `create`, on whatever relation, is not in the parent',
    ],
    [
      'allow: [{ statements: [merge], on: public.a }]',
      'allow: [{ update: public.a }]',
      'statement-class: `update` on `public.a`',
    ],
    [
      'allow: [{ statements: [drop], on: public.a }, { statements: [drop], on: public.b }]',
      'allow: [{ statements: [drop], on: [public.a, public.b] }]',
      'relation: `drop` on `public.a`, `public.b` is not in one rule of the parent',
    ],
    [
      'allow: [{ statements: [select], on: public.a }]',
      "allow: [{ statements: '*', on: public.a }]",
      'statement-class: `insert` on `public.a`',
    ],
    [
      "allow: [{ statements: '*' }, { select: public.a, estimate: { max: 5 } }]",
      "allow: [{ statements: '*' }]",
      'statement-class: it takes nothing away at all',
    ],
    // Functions.
    [
      'allow: [{ functions: public.f }]',
      'allow: [{ functions: public.g }]',
      'function: function `public.g` is not in the parent',
    ],
    [
      'allow: [{ functions: public.f(integer) }]',
      'allow: [{ functions: public.f }]',
      'function: function `public.f` is not in',
    ],
    [
      'allow: [{ functions: public.f(integer) }]',
      'allow: [{ functions: public.f(text) }]',
      'function: function `public.f(text)`',
    ],
    [
      "allow: [{ functions: 'public.*' }]",
      'allow: [{ functions: public.f }]',
      'function: function `public.f` is named, where the parent has only the pattern `public.*`',
    ],
    [
      "allow: [{ functions: '*.lower' }]",
      'allow: [{ functions: pg_catalog.lower }]',
      'function: function `pg_catalog.lower` is not in',
    ],
    ["allow: [{ statements: '*' }]", 'allow: [{ functions: public.f }]', 'does not open it where columns are masked'],
    [
      "allow: [{ statements: '*', on: '*' }]",
      'allow: [{ functions: pg_catalog.lower }]',
      'function: function `pg_catalog.lower` is not in',
    ],
    // Estimates.
    [
      'allow: [{ select: public.a, estimate: { max: 5 } }]',
      'allow: [{ select: public.a }]',
      'estimate: `select` on `public.a` is let through however many rows that the planner expects, in the parent up to 5',
    ],
    [
      'allow: [{ select: public.a, estimate: { max: 5 } }]',
      'allow: [{ select: public.a, estimate: { max: 6 } }]',
      'estimate: `select` on `public.a` is let through up to 6 rows',
    ],
    [
      'allow: [{ select: public.a, estimate: { max: 5 } }]',
      `hold: [{ select: public.a, ${BY_DBA} }]`,
      'estimate: `select` on `public.a` is let through however many',
    ],
    // Holds.
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'allow: [{ update: public.a }]',
      'hold: the parent holds `update` on `public.a` for approval (`hold.0`), not so the child',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      `hold: [{ update: public.a, columns: [x], ${BY_DBA} }]\nallow: [{ update: public.a, columns: [y] }]`,
      'hold: the parent holds `update` on `public.a`',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'hold: [{ update: public.a, approvals: { from: [dba, x], count: 2, timeout: 10m } }]',
      'hold: `update` on `public.a` is held on easier terms: `x` may approve',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'hold: [{ update: public.a, approvals: { from: [dba], count: 1, timeout: 10m } }]',
      '1 approval is enough, in the parent 2',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'hold: [{ update: public.a, approvals: { from: [dba], count: 2, timeout: 1h } }]',
      'it waits 1h, in the parent 10m',
    ],
    [
      'hold: [{ update: public.a, approvals: { from: [dba] } }]',
      'hold: [{ update: public.a, approvals: { from: [dba], timeout: 5m } }]',
      'inside a transaction it waits 5m, in the parent 1m',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      `hold: [{ update: public.a, estimate: { above: 5 }, ${BY_DBA} }]`,
      'it is held above 5 rows that the planner expects, in the parent always',
    ],
    [
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      `hold: [{ update: public.a, dryRun: true, ${BY_DBA} }]`,
      'hold: `dryRun` runs the statement before it is approved',
    ],
    [
      `hold: [{ update: public.a, dryRun: true, ${BY_DBA} }]`,
      `hold: [{ update: public.a, ${BY_DBA} }]`,
      'it has no `dryRun`',
    ],
    // A name may be a view, a partition or the other end of a foreign key.
    [
      `allow: [{ select: public.v }]\nhold: [{ select: public.a, ${BY_DBA} }]`,
      'allow: [{ select: public.v }]',
      'whose `select` on `public.v` may come to that',
    ],
    [
      `allow: [{ delete: public.b }]\nhold: [{ update: public.a, ${BY_DBA} }]`,
      'allow: [{ delete: public.b }]',
      'whose `delete` on `public.b` may come to that',
    ],
    [
      `allow: [{ select: public.part }]\nhold: [{ statements: [select], ${BY_DBA} }]`,
      'allow: [{ select: public.part }]',
      'hold: the parent holds `select`',
    ],
    [
      `hold: [{ statements: [transaction], ${BY_DBA} }]`,
      'allow: []',
      'hold: the parent holds `transaction` for approval',
    ],
    [
      `hold: [{ statements: [transaction], ${BY_DBA} }]\nallow: [{ statements: '*' }]`,
      `hold: [{ statements: '*', ${BY_DBA} }]`,
      'hold: the parent holds `transaction` for approval',
    ],
    [
      `allow: [{ select: public.a }]\nhold: [{ select: public.b, columns: [x], ${BY_DBA} }]`,
      'allow: [{ select: public.a }]\ndeny: [{ select: public.b, columns: [x] }]',
      'hold: the parent holds `select` on `public.b`',
    ],
    // Denies.
    [
      'deny: [{ select: public.a }]',
      '',
      'deny: the parent denies `select` on `public.a` (`deny.0`), the child does not; keep the rule',
    ],
    [
      'deny: [{ select: public.a }]',
      'deny: [{ select: public.a, columns: [x] }]',
      'deny: the parent denies `select` on `public.a`',
    ],
    ['deny: [{ select: public.a }]', 'deny: [{ select: public.a, estimate: { above: 5 } }]', 'deny: the parent denies'],
    [
      'deny: [{ select: pg_catalog.pg_class }]',
      "deny: [{ select: '*' }]",
      'deny: the parent denies `select` on `pg_catalog.pg_class`',
    ],
    ['deny: [{ statements: [copy-to] }]', "deny: [{ select: '*' }]", 'deny: the parent denies `copy-to`'],
    [
      'deny: [{ statements: [select] }]',
      "deny: [{ statements: [select], on: '*' }]",
      'deny: the parent denies `select`',
    ],
    [
      "deny: [{ functions: 'public.*' }]",
      'deny: [{ functions: public.f }]',
      'deny: the parent denies function `public.*`',
    ],
    // Masks.
    [
      'mask: [{ columns: public.a.x, as: email }]',
      '',
      'mask: the parent shows column `public.a.x` as `email`, the child does not mask it',
    ],
    [
      "mask: [{ columns: 'public.a.*', as: email }]",
      'mask: [{ columns: public.a.x, as: redact }]',
      'mask: the parent shows column `public.a.*`',
    ],
    [
      'mask: [{ columns: public.a.x, as: redact }]',
      'mask: [{ columns: public.a.x, as: hash }]',
      'mask: column `public.a.x` is shown as `hash`, in the parent as `redact`',
    ],
    [
      'mask: [{ class: pii, as: redact }]',
      'mask: [{ class: pay, as: redact }]',
      'mask: the parent shows every column classified as `pii`',
    ],
    [
      'mask: [{ kinds: [ssn] }]',
      'mask: [{ kinds: [email] }]',
      'mask: the parent shows what looks like `ssn` as `redact`',
    ],
    [
      'mask: [{ kinds: [ssn] }]',
      'mask: [{ kinds: [ssn], as: last4 }]',
      'mask: what looks like `ssn` is shown as `last4`',
    ],
    // Counted writes.
    [
      'allow: [{ update: public.a, affects: { max: 1 } }]',
      'allow: [{ update: public.a }]',
      'affects: the parent lets `update` on `public.a` touch at most 1 row',
    ],
    [
      'allow: [{ update: public.a, affects: { max: 1 } }]',
      'allow: [{ update: public.a, affects: { max: 2 } }]',
      'affects: ',
    ],
    [
      'allow: [{ update: public.a, affects: { max: 1 } }, { update: public.v }]',
      'allow: [{ update: public.v }]',
      'affects: ',
    ],
    ['allow: [{ statements: [insert], affects: { max: 1 } }]', 'allow: [{ statements: [copy-from] }]', 'affects: '],
    [
      `hold: [{ delete: public.a, affects: { max: 1 }, ${BY_DBA} }]`,
      `hold: [{ delete: public.a, ${BY_DBA} }]`,
      'affects: ',
    ],
    [
      `allow: [{ delete: public.part, affects: { max: 1 } }]\nhold: [{ delete: public.whole, affects: { max: 1 }, ${BY_DBA} }]`,
      `allow: [{ delete: public.whole, affects: { max: 1 } }, { delete: public.part }]\nhold: [{ delete: public.whole, ${BY_DBA} }]`,
      'affects: ',
    ],
    // Terms.
    ['limits: { rows: 10 }', '', 'limit: `limits.rows` is not limited, in the parent 10'],
    ['limits: { bytes: 1KB }', 'limits: { bytes: 1MB }', 'limit: `limits.bytes` is 1MB, in the parent 1KB'],
    ['limits: { statements: 1 }', 'limits: { statements: 2 }', 'limit: `limits.statements` is 2'],
    ['limits: { duration: 1m }', 'limits: { duration: 2m }', 'limit: `limits.duration` is 2m'],
    ['limits: { statement: 1s }', 'limits: { statement: 2s }', 'limit: `limits.statement` is 2s'],
    ['limits: { idle: 1m }', 'limits: { idle: 2m }', 'limit: `limits.idle` is 2m'],
    ['limits: { connections: 1 }', 'limits: { connections: 2 }', 'limit: `limits.connections` is 2'],
    ['access: { ttl: 1h }', 'access: { ttl: 2h }', 'end: it ends after 2h, the parent after 1h'],
    ['resource: r', 'resource: s', 'resource: it is on resource `s`, the parent on `r`'],
    ['who: { groups: [a] }', 'who: { groups: [b] }', 'who: `who.groups` names `b`, the parent does not'],
    ['who: { groups: [a] }', 'who: { machines: [a] }', 'who: `who.machines` names `a`'],
    ['access: { reason: required }', '', 'who: it needs no reason, the parent does'],
    ['access: { ticket: required }', '', 'who: it needs no ticket, the parent does'],
    ['access: { approvals: { from: [dba] } }', '', 'nobody has to approve'],
    [
      'access: { approvals: { from: [dba] } }',
      'access: { approvals: { from: [ops] } }',
      '`ops` may approve, who may not in the parent',
    ],
    ["access: { when: 'now.hour > 7' }", '', 'who: its condition does not contain'],
    [
      "access: { when: 'now.hour > 7' }",
      "access: { when: '(now.hour > 7) && (true) || (true)' }",
      'who: its condition does not contain',
    ],
    [
      "access: { when: 'now.hour > 7' }",
      "access: { when: 'now.hour > 7 || true' }",
      'who: its condition does not contain',
    ],
    ['record: { results: none }', 'record: { results: masked }', 'record: results are recorded'],
    ['', 'record: { readers: [a] }', 'record: recordings can be read by `a`'],
    ['record: { readers: [a] }', '', 'record: it does not say who reads'],
    ['record: { keep: 2d }', 'record: { keep: 1d }', 'record: recordings are kept 1d, in the parent 2d'],
    ['', 'record: { keep: 2d }', 'record: recordings are kept 2d, in the parent without end'],
  ])('%s -> %s', (parent, child, message) => {
    expect(wider(parent, child).join('\n')).toContain(message);
  });

  test('where a document is none, too', () => {
    const parent = task('allow: [{ select: public.a }]');
    expect(attenuate(parent, {} as TaskDocument).ok).toBe(false);
    expect(attenuate({} as TaskDocument, parent).ok).toBe(false);
    const broken = {
      ...parent,
      mask: [{ kind: 'kinds', kinds: [{ kind: 'x', mask: 'y' }] }],
    } as unknown as TaskDocument;
    expect(attenuate(broken, parent).ok).toBe(false);
    expect(attenuate(parent, broken).ok).toBe(false);
  });

  test('where they are too large to be compared while others wait', () => {
    const names = (prefix: string): string => Array.from({ length: 1000 }, (_, i) => `${prefix}${i}`).join(', ');
    const large = `allow: [{ select: [${names('s.t')}], columns: [${names('c')}] }]`;
    expect(wider(large, large)).toEqual([
      'statement-class: the two documents are too large to be compared; name fewer relations and columns a rule',
    ]);
    const tables = `allow: [{ select: [${names('s.t')}] }]`;
    expect(wider(tables, tables)).toEqual([]);
  });

  test('naming the rule of the child and its line', () => {
    const proof = attenuate(
      task('allow: [{ select: public.a }]'),
      task('allow:\n  - select: public.a\n  - select: public.b'),
    );
    expect(proof).toMatchObject({
      ok: false,
      problems: [{ dimension: 'relation', rule: { path: 'allow.1', line: 7 } }],
    });
  });
});
