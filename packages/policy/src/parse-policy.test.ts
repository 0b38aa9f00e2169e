import { describe, expect, test } from 'vitest';
import { describePolicy, describeTask } from './describe.ts';
import { grantTerms } from './grant-terms.ts';
import { type Activator, mayActivate } from './may-activate.ts';
import { parsePolicy } from './parse-policy.ts';
import { parseResourceManifest } from './parse-resource-manifest.ts';
import { parseTask } from './parse-task.ts';
import { policyApplies } from './policy-applies.ts';
import type { ParseResult } from './policy-document.ts';
import { splitDocuments } from './split-documents.ts';
import { POLICY_TEMPLATE, TASK_TEMPLATE } from './templates.ts';

function document<T>(result: ParseResult<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.document;
}
const messages = (result: ParseResult<unknown>): readonly string[] =>
  result.ok ? [] : result.problems.map(({ message }) => message);
const policy = (text: string) => parsePolicy(`kind: Policy\nname: p\npurpose: p\n${text}`);
const task = (text: string) => document(parseTask(`kind: Task\nname: t\npurpose: p\nresource: r\n${text}`));

describe('a policy', () => {
  test('starts from a template that parses', () => {
    expect(parsePolicy(POLICY_TEMPLATE).ok).toBe(true);
  });

  test('never allows', () => {
    expect(messages(policy('applies: { all: true }\nallow: [{ select: public.a }]'))).toEqual([
      'a policy never allows, it only takes away; put `allow` in a task',
    ]);
  });

  test.each([
    'applies: {}',
    'applies: { resources: {} }',
    'applies: { resources: { names: [], labels: {} } }',
    'applies: { all: false }',
  ])('that applies to nothing is refused: %s', (text) => {
    expect(messages(policy(text)).join()).toMatch(/applies to nothing|is missing/);
  });

  test('applies by name or by all of its labels', () => {
    const shop = { name: 'shop', labels: { env: 'production', team: 'a' } };
    const applies = (text: string): boolean => policyApplies(document(policy(`applies: ${text}`)), shop);
    expect(applies('{ all: true }')).toBe(true);
    expect(applies('{ resources: { names: [shop] } }')).toBe(true);
    expect(applies('{ resources: { names: [other] } }')).toBe(false);
    expect(applies('{ resources: { labels: { env: production } } }')).toBe(true);
    expect(applies('{ resources: { labels: { env: production, team: b } } }')).toBe(false);
    expect(applies('{ resources: { labels: { toString: x } } }')).toBe(false);
  });
});

describe('the terms of a grant', () => {
  const shop = { name: 'r', labels: {} };
  test('are the narrowest of the task and of every policy that applies', () => {
    const terms = grantTerms(
      task(
        'access: { reason: required, ttl: 2h }\nlimits: { rows: 100, idle: 10m }\nrecord: { results: masked, readers: [auditors, dba], keep: 30d }',
      ),
      [
        document(
          policy(
            'applies: { all: true }\nlimits: { rows: 50, bytes: 1MB }\nrecord: { results: none, readers: [auditors], keep: 400d }',
          ),
        ),
        document(policy('applies: { resources: { names: [other] } }\nlimits: { rows: 1 }')),
      ],
      shop,
    );
    expect(terms).toEqual({
      reasonRequired: true,
      ticketRequired: false,
      approvals: null,
      stepUp: 'none',
      ttlMs: 7_200_000,
      limits: {
        rows: 50,
        bytes: 1_000_000,
        statements: null,
        durationMs: null,
        statementMs: null,
        idleMs: 600_000,
        connections: null,
      },
      record: { results: 'none', durability: 'crash', readers: ['auditors'], keepMs: 34_560_000_000 },
    });
  });

  test('let no group read where no document names one', () => {
    expect(grantTerms(task(''), [], shop).record).toEqual({
      results: 'masked',
      durability: 'crash',
      readers: [],
      keepMs: null,
    });
  });
});

describe('activation', () => {
  const person: Activator = {
    ...{ kind: 'person', name: 'Eno', email: 'e@demo.test', groups: ['analysts'], tasks: [], actsFor: null },
  };
  const at = (iso: string) => ({ epochMs: Date.parse(iso) });

  test('is for the groups named, and an empty list names nobody', () => {
    expect(mayActivate(task('who: { groups: [support, analysts] }'), person, at('2026-01-01'))).toEqual({ ok: true });
    expect(mayActivate(task('who: { groups: [support] }'), person, at('2026-01-01'))).toEqual({
      ok: false,
      reason: 'task `t` is for members of `support`',
    });
    expect(mayActivate(task('who: { machines: [analysts] }'), person, at('2026-01-01')).ok).toBe(false);
  });

  test('is only when the condition holds, in UTC', () => {
    const when = task(
      "who: { groups: [analysts] }\naccess: { when: 'now.hour >= 7 && now.hour < 20 && now.weekday != 0' }",
    );
    expect(mayActivate(when, person, at('2026-11-23T07:00:00Z')).ok).toBe(true);
    expect(mayActivate(when, person, at('2026-11-23T06:59:59Z')).ok).toBe(false);
    expect(mayActivate(when, person, at('2026-11-22T12:00:00Z')).ok).toBe(false);
    const who = task(
      `who: { groups: [analysts] }\naccess: { when: 'identity.email.endsWith("@demo.test") && "analysts" in identity.groups' }`,
    );
    expect(mayActivate(who, person, at('2026-11-23T07:00:00Z')).ok).toBe(true);
  });

  test('is refused where the condition fails to evaluate', () => {
    const fails = task("who: { groups: [analysts] }\naccess: { when: '1 / now.minute > 0' }");
    expect(mayActivate(fails, person, at('2026-11-23T07:00:00Z'))).toEqual({
      ok: false,
      reason: 'the condition of task `t` could not be evaluated; ask its author',
    });
    expect(mayActivate(fails, person, at('2026-11-23T07:01:00Z')).ok).toBe(true);
  });
});

describe('a file for apply', () => {
  test('is split at its markers, each part with its line', () => {
    const source = `# first\n---\n${TASK_TEMPLATE}--- # second\n${POLICY_TEMPLATE}---\n`;
    const documents = document(splitDocuments(source));
    expect(documents.map(({ kind, name, line }) => ({ kind, name, line }))).toEqual([
      { kind: 'Task', name: 'my-task', line: 2 },
      { kind: 'Policy', name: 'my-policy', line: 2 + TASK_TEMPLATE.split('\n').length },
    ]);
    expect(parseTask(documents[0]!.source).ok).toBe(true);
    expect(parsePolicy(documents[1]!.source).ok).toBe(true);
  });

  test('has its problems at the lines of the whole file', () => {
    const result = splitDocuments('kind: Task\nname: a\n---\nkind: Tsk\nname: b\n---\nname: B\n');
    expect(result.ok ? [] : result.problems.map(({ position, message }) => `${position?.line} ${message}`)).toEqual([
      '4 `Tsk` is not a kind that can be applied; known: `Task`, `Policy`, `Workflow`, `Resource`',
      '7 `kind` is missing; add it',
      '7 `B` is not a name; start with a lower-case letter, then letters, digits and `-`, at most 63',
    ]);
    expect(messages(splitDocuments('# nothing\n---\n'))).toEqual(['the file has no document in it']);
  });
});

describe('a resource', () => {
  const manifest = (text: string) =>
    parseResourceManifest(`kind: Resource\nname: shop\ntype: postgres\ndatabase: shop\nusername: gate\n${text}`);

  test('verifies the target fully unless it says less', () => {
    expect(
      document(manifest('host: db.example\nsecret: env:SHOP_PASSWORD\nlabels: { env: production }')),
    ).toMatchObject({
      port: 5432,
      tls: { mode: 'verify-full', ca: null },
      labels: { env: 'production' },
      secret: { from: 'env', name: 'SHOP_PASSWORD' },
    });
    expect(document(manifest('host: ::1\nsecret: file:/run/secret\ntls: { mode: disable }'))).toMatchObject({
      secret: { from: 'file', path: '/run/secret' },
      tls: { mode: 'disable' },
    });
  });

  test('takes no secret, and does not repeat one', () => {
    const text = messages(manifest('host: db\nsecret: hunter2')).join();
    expect(text).toContain('`env:NAME` or `file:PATH`');
    expect(text).not.toContain('hunter2');
  });

  test.each(['http://db', 'db:5432', 'a b', '-x', 'db/x', '[::1]'])('refuses the host %s', (host) => {
    expect(messages(manifest(`host: '${host}'\nsecret: env:X`)).join()).toContain('is not a host name or address');
  });
});

describe('a description', () => {
  test('says who, what, held, masked and limited, each at its line', () => {
    const sections = describeTask(
      task(`who: { groups: [support] }
allow: [{ select: public.orders }, { statements: '*' }]
hold: [{ update: public.orders, columns: [status], affects: { max: 1 }, approvals: { from: [dba], count: 2 } }]
deny: [{ statements: [drop, truncate] }]
mask: [{ columns: public.customers.email, as: email }]
limits: { bytes: 20MB }`),
    );
    expect(
      sections.map(({ title, items }) => [title, ...items.map(({ text, tone, line }) => `${tone} ${line} ${text}`)]),
    ).toEqual([
      ['Who and for how long', 'plain null Members of support can activate this', 'limit null It ends after 1h'],
      ['Allowed', 'allow 6 Read public.orders', 'allow 6 Run every statement, on every relation, with any function'],
      [
        'Needs approval, one statement at a time',
        'hold 7 Update public.orders, column status only, at most 1 row a statement, once 2 people of dba approve within 10m',
      ],
      ['Denied', 'deny 8 Nobody may run drop or truncate statements'],
      [
        'Masked',
        'mask 9 Column public.customers.email is shown with only the first letter and the domain of an address readable',
      ],
      ['Limits', 'limit null At most 20 MB of results in all'],
    ]);
  });

  test('does not hide that a task is open to nobody or allows nothing', () => {
    const texts = describeTask(task('')).flatMap(({ items }) => items.map(({ text }) => text));
    expect(texts).toEqual(['Nobody can activate this', 'It ends after 1h', 'Nothing: there is no allow rule']);
  });

  test('of a policy says where it holds', () => {
    const [first] = describePolicy(document(policy('applies: { resources: { labels: { env: production } } }')));
    expect(first).toEqual({
      title: 'Holds for every task on',
      items: [
        {
          text: 'Every resource labelled env: production',
          path: 'applies.resources.labels',
          line: null,
          tone: 'plain',
        },
      ],
    });
  });
});
