import { describe, expect, test } from 'vitest';
import { formatRelationPattern } from './name-pattern.ts';
import { parseTask } from './parse-task.ts';
import { TASK_TEMPLATE } from './templates.ts';

const HEAD = 'kind: Task\nname: t\npurpose: p\nresource: r\n';

/** `line:column message` of each problem of a task with these further lines. */
function problems(text: string, head = HEAD): readonly string[] {
  const result = parseTask(head + text);
  return result.ok
    ? []
    : result.problems.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`);
}

describe('a task', () => {
  test('starts from a template that parses', () => {
    expect(parseTask(TASK_TEMPLATE).ok).toBe(true);
  });

  test('without rules allows nothing and nobody', () => {
    const result = parseTask(HEAD);
    expect(result).toMatchObject({
      ok: true,
      document: {
        allow: [],
        who: { groups: [], machines: [], agents: [] },
        access: { ttlMs: 3_600_000, approvals: null },
      },
    });
  });

  test('says what needs a passkey; nothing does unless it says so', () => {
    const approvals = 'approvals: { from: dba }';
    const read = (access: string) => {
      const parsed = parseTask(`${HEAD}access: { ${access} }`);
      return parsed.ok ? parsed.document.access.stepUp : parsed.problems.map(({ message }) => message).join();
    };
    expect(read(approvals)).toBe('none');
    expect(read('step-up: activation')).toBe('activation');
    expect(read(`${approvals}, step-up: approval`)).toBe('approval');
    expect(read(`${approvals}, step-up: both`)).toBe('both');
    expect(read('step-up: both')).toMatch(/^nobody approves this task/);
    expect(read('step-up: sometimes')).toMatch(/step-up|sometimes/);
    expect(read('approvals: { from: dba, step-up: true }')).toMatch(/beside `approvals`/);
    const hold = parseTask(
      `${HEAD}hold:\n  - { update: public.a, approvals: { from: dba, step-up: true } }\n  - { delete: public.a, approvals: { from: dba } }`,
    );
    expect(hold.ok && hold.document.hold.map(({ approvals: { stepUp } }) => stepUp)).toEqual([true, undefined]);
  });

  test('reads durations, sizes and the defaults of approvals', () => {
    const result = parseTask(
      `${HEAD}access: { ttl: 90m, approvals: { from: dba } }\nhold: [{ delete: public.a, approvals: { from: [dba, dba] } }]\nlimits: { rows: 10, bytes: 20MB, idle: 10m }\nrecord: { keep: 400d, readers: [] }`,
    );
    expect(result).toMatchObject({
      document: {
        access: { ttlMs: 5_400_000, approvals: { from: ['dba'], count: 1, timeoutMs: 86_400_000 } },
        hold: [{ approvals: { from: ['dba'], count: 1, timeoutMs: 600_000 } }],
        limits: { rows: 10, bytes: 20_000_000, idleMs: 600_000, statements: null },
        record: { keepMs: 34_560_000_000, readers: [], results: null },
      },
    });
  });

  test('keeps the place of each rule', () => {
    const result = parseTask(
      `${HEAD}allow:\n  - select: public.a\n\n  # why\n  - select: 'public.*'\n    columns: '*'\n`,
    );
    expect(result).toMatchObject({
      document: {
        allow: [
          { source: { path: 'allow.0', line: 6 } },
          { source: { path: 'allow.1', line: 9 }, target: { columns: null } },
        ],
      },
    });
  });

  test('tells all problems at once, each at its place', () => {
    expect(
      problems(
        'alow: []\nallow:\n  - select: orders\n  - selct: public.orders\n  - { delete: public.a, columns: [x] }\nlimits: { rows: many }',
      ),
    ).toEqual([
      '5:1 `alow` is not known here; did you mean `allow`?',
      '7:13 `orders` names no schema; qualify it, such as `public.orders`',
      '8:5 `selct` is not known here; did you mean `select`?',
      '8:5 the rule does not say what it is about; add one of `select`, `insert`, `update`, `delete`, `truncate`, `lock`, `statements`, `functions`',
      '9:34 `columns` goes with `select`, `insert` or `update`, not with `delete`',
      '10:17 `limits.rows` must be a whole number from 1 to 1000000000000',
    ]);
  });

  test.each([
    ['nothing at all', '', '1:1 the document must be a mapping of keys to values'],
    ['a list', '- a', '1:1 the document must be a mapping of keys to values'],
    ['a second document', `${HEAD}---\n${HEAD}`, '5:1 only one document is read here; remove the second `---`'],
    ['a key written twice', `${HEAD}name: u`, '5:1 `name` is written twice; keep one'],
    ['an anchor', `${HEAD}allow: &a []`, '5:11 anchors (`&name`) are not read; remove it'],
    ['a tag', `${HEAD}allow: !!seq []`, '5:14 tags (`!name`) are not read; remove it'],
    ['a merge key', `${HEAD}<<: {}`, '5:1 `<<` is not known here'],
    ['a directive', `%YAML 1.1\n---\n${HEAD}`, '1:1 directives such as `%YAML` are not read; remove them'],
    ['a NUL', `${HEAD}purpos\0e: x`, '1:1 the document has a NUL in it; remove it'],
    ['over 256 KiB', `# ${'x'.repeat(262_144)}`, '1:1 the document is longer than 256 KiB; split it'],
    [
      'nothing but structure, before it is parsed',
      '['.repeat(20_001),
      '1:1 the document has more than 20000 lines, list items and marks such as `[`; split it',
    ],
    ['another kind', HEAD.replace('Task', 'Policy'), '1:7 this is a `Policy`, not a `Task`'],
    [
      'a name in upper case',
      HEAD.replace('name: t', 'name: T'),
      '2:7 `T` is not a name; start with a lower-case letter, then letters, digits and `-`, at most 63',
    ],
    [
      'a name that is a number',
      HEAD.replace('name: t', 'name: 12'),
      '2:7 `name` must be text; put it in quotes if `12` is meant as text',
    ],
  ])('refuses %s', (_, source, first) => {
    expect(problems(source, '')[0]).toContain(first);
  });

  test.each([
    ['allow: [{ select: public.a, insert: public.a }]', 'the rule names `select` and `insert`; make a rule of each'],
    [
      'allow: [{ select: [] }]',
      '`allow.0.select` is empty, so the rule is about nothing; name something or remove the rule',
    ],
    [
      'allow: [{ select: public.a, columns: [] }]',
      '`allow.0.columns` is empty, so the rule is about nothing; name something or remove the rule',
    ],
    [
      'allow: [{ select: public.Orders }]',
      '`Orders` has upper-case letters, which Postgres folds unless quoted; write it as `"Orders"` or in lower case',
    ],
    ['allow: [{ select: a.b.c }]', '`a.b.c` has too many parts; a relation is `schema.name`'],
    [
      'allow: [{ select: pg_catalog.pg_authid }]',
      "`pg_catalog.pg_authid` is a system relation; which of those may be read is not a task's to say",
    ],
    [
      'allow: [{ select: public.a, affects: { max: 1 } }]',
      '`affects` counts the rows of `insert`, `update` or `delete`; nothing else has any',
    ],
    ['allow: [{ delete: public.a, estimate: { above: 1 } }]', '`max` is missing; add it'],
    [
      'allow: [{ truncate: public.a, estimate: { max: 1 } }]',
      '`estimate` is about statements that are planned: `select`, `insert`, `update`, `delete`, `merge`',
    ],
    [
      'allow: [{ statements: [other] }]',
      "`other` stands for statements of no known class; only `statements: '*'` opens those",
    ],
    [
      'allow: [{ statements: [notify], on: public.a }]',
      '`on` says nothing about `notify`, which reach no relation; put them in a rule of their own',
    ],
    ['allow: [{ functions: lower }]', '`lower` names no schema; qualify it, such as `public.lower`'],
    ["allow: [{ functions: '*' }]", 'name functions one by one or by schema, such as `public.*`'],
    [
      'hold: [{ functions: public.f, approvals: { from: [a] } }]',
      'functions cannot be held; allow or deny them, or hold the statements that call them',
    ],
    ['hold: [{ update: public.a }]', '`approvals` is missing; add it'],
    ['hold: [{ update: public.a, approvals: { from: [] } }]', '`from` is empty, so nobody could approve; name a group'],
    ['deny: [{ statements: drp }]', '`drp` is not one of the values here; did you mean `drop`?'],
    ['mask: [{ columns: public.a.x }]', '`as` is missing; add it'],
    [
      'mask: [{ columns: email, as: redact }]',
      '`email` is not a column; write `schema.relation.column`, such as `public.customers.email`',
    ],
    ['mask: [{ kinds: [ssm] }]', '`ssm` is not one of the values here; did you mean `ssn`?'],
    ['mask: [{ columns: public.a.x, as: ~ }]', '`mask.0.as` must be text'],
    ['access: { ttl: 25h }', '`access.ttl` must be from 1m to 24h'],
    ['access: { ttl: 90 }', '`access.ttl` must be a duration such as `30m`, `1h` or `400d`'],
    ['access: { when: "now.hours > 1" }', 'the condition is not valid CEL: no such key: hours'],
    ['access: { when: "identity.groups.exists(g, g.matches(\'(a+)+b\'))" }', 'the condition may not use `matches`'],
    ['access: { when: "now.hour" }', 'the condition gives `int`, not true or false'],
    ['access: { when: "now.hour >" }', 'the condition is not valid CEL'],
    ['who: [analysts]', '`who` must be a mapping of keys to values'],
    ['allow: {}', '`allow` must be a list'],
    ['classify: []', '`classify` is not known here'],
  ])('refuses %s', (text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  test('reads `as: null` as the mask of that name', () => {
    expect(parseTask(`${HEAD}mask: [{ columns: public.a.x, as: null }]`)).toMatchObject({
      document: { mask: [{ mask: 'null' }] },
    });
  });

  test('reads quoted names and patterns as Postgres would', () => {
    const result = parseTask(`${HEAD}allow: [{ select: ['"My Shop"."Or""ders"', 'public.*', '*', 'app.log_*'] }]`);
    const patterns =
      result.ok && result.document.allow[0]!.target.kind === 'access' ? result.document.allow[0]!.target.relations : [];
    expect(patterns.map(formatRelationPattern)).toEqual(['"My Shop"."Or""ders"', 'public.*', '*', 'app.log_*']);
  });

  test.each([
    '['.repeat(20_000),
    '- '.repeat(20_000),
    'a: {'.repeat(5_000),
    '? '.repeat(20_000),
    `a: ${'"'.repeat(9_999)}`,
    '\u{feff}{',
    '\ud800: \udfff',
  ])('is a list of problems, not an exception, for %#', (source) => {
    expect(parseTask(source).ok).toBe(false);
  });
});
