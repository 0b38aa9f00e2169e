import { describe, expect, test } from 'vitest';
import { completeDocument } from './complete-document.ts';
import { describeWorkflow } from './describe.ts';
import { parseWorkflow } from './parse-workflow.ts';
import { splitDocuments } from './split-documents.ts';
import { WORKFLOW_TEMPLATE } from './templates.ts';

const HEAD = 'kind: Workflow\nname: w\npurpose: p\n';

function problems(text: string, head = HEAD): readonly string[] {
  const result = parseWorkflow(head + text);
  return result.ok
    ? []
    : result.problems.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`);
}

describe('a workflow', () => {
  test('starts from a template that parses', () => {
    expect(parseWorkflow(WORKFLOW_TEMPLATE).ok).toBe(true);
  });

  test('has steps, terms and limits, and without `who` is nobody’s', () => {
    expect(
      parseWorkflow(
        `${HEAD}steps: [{ task: a }, { task: b, after: a }, { task: c, after: [a, b] }]\nlimits: { rows: 5 }`,
      ),
    ).toMatchObject({
      ok: true,
      document: {
        who: { groups: [], machines: [], agents: [] },
        access: { ttlMs: 3_600_000, approvals: null },
        limits: { rows: 5, bytes: null },
        steps: [
          { task: 'a', after: [], source: { path: 'steps.0', line: 4 } },
          { task: 'b', after: ['a'] },
          { task: 'c', after: ['a', 'b'] },
        ],
      },
    });
  });

  test.each([
    ['', '1:1 `steps` is missing; add it'],
    ['steps: []', '4:8 the workflow has no steps; name at least one task'],
    ['steps: {}', '4:8 `steps` must be a list'],
    ['steps: [{ after: a }]', '`task` is missing; add it'],
    ['steps: [{ task: A }]', '4:17 `A` is not a name'],
    ['steps: [{ task: a, befor: b }]', '`befor` is not known here'],
    ['steps: [{ task: a }, { task: a }]', '4:30 task `a` is a step already; each task is one step'],
    ['steps: [{ task: first }, { task: b, after: firs }]', '`firs` is no step of this workflow; did you mean `first`?'],
    ['steps: [{ task: a, after: a }]', 'step `a` cannot come after itself'],
    ['steps: [{ task: a, after: [] }]', '`after` is empty; name the steps that come before, or remove it'],
    [
      'steps: [{ task: a, after: c }, { task: b, after: a }, { task: c, after: b }]',
      '4:17 the steps wait for one another: `a` after `c` after `b` after `a`; remove one `after`',
    ],
    [
      `steps: [${Array.from({ length: 51 }, (_, i) => `{ task: t${i} }`).join(', ')}]`,
      '4:8 a workflow has at most 50 steps',
    ],
    ['steps: [{ task: a }]\nallow: []', '`allow` is not known here'],
    ['steps: [{ task: a }]\nresource: r', '`resource` is not known here'],
    ['steps: [{ task: a }]\naccess: { when: "now.hours > 1" }', 'the condition is not valid CEL'],
    ['steps: [{ task: a }]\nlimits: { row: 1 }', '`row` is not known here; did you mean `rows`?'],
  ])('refuses %s', (text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  test('of another kind is none', () => {
    expect(problems('steps: [{ task: a }]', HEAD.replace('Workflow', 'Task'))[0]).toBe(
      '1:7 this is a `Task`, not a `Workflow`',
    );
  });

  test('with fifty steps in a row, each after all others before it, is read', () => {
    const steps = Array.from(
      { length: 50 },
      (_, i) =>
        `  - task: t${i}\n${i === 0 ? '' : `    after: [${Array.from({ length: i }, (__, j) => `t${j}`).join(', ')}]\n`}`,
    );
    expect(problems(`steps:\n${steps.join('')}`)).toEqual([]);
  });

  test('is said in words', () => {
    const result = parseWorkflow(
      `${HEAD}who: { machines: [ci] }\nsteps: [{ task: a }, { task: b }, { task: c, after: [a, b] }]\nlimits: { rows: 5 }`,
    );
    const said = result.ok ? describeWorkflow(result.document) : [];
    expect(said.map(({ title, items }) => `${title}: ${items.map(({ text }) => text).join('; ')}`)).toEqual([
      'Who and for how long: The machines ci can activate this; It ends after 1h',
      'Steps: Task a; Task b; Task c, once a and b have completed',
      'Limits of all steps together: At most 5 rows in all',
    ]);
  });

  test('is one of the documents of a file', () => {
    expect(splitDocuments(`kind: Task\nname: a\n---\n${HEAD}`)).toMatchObject({
      ok: true,
      document: [{ kind: 'Task' }, { kind: 'Workflow', name: 'w', line: 3 }],
    });
  });

  test('completes its keys, and the names of tasks', () => {
    const known = { resources: [], groups: ['dba'], tasks: ['load-figures'], relations: [] };
    const options = (text: string) => completeDocument(text, text.length, known).options.map(({ label }) => label);
    expect(options(`${HEAD}st`)).toContain('steps');
    expect(options(HEAD)).not.toContain('allow');
    expect(options(`${HEAD}steps:\n  - `)).toEqual(['task', 'after']);
    expect(options(`${HEAD}steps:\n  - task: lo`)).toEqual(['load-figures']);
    expect(options(`${HEAD}steps:\n  - task: a\n    after: [`)).toEqual(['load-figures']);
  });
});
