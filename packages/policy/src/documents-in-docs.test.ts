import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from './parse-policy.ts';
import { parseResourceManifest } from './parse-resource-manifest.ts';
import { parseTask } from './parse-task.ts';
import { parseWorkflow } from './parse-workflow.ts';
import { splitDocuments } from './split-documents.ts';

const PARSERS = { Task: parseTask, Policy: parsePolicy, Workflow: parseWorkflow, Resource: parseResourceManifest };
const PAGES = ['README.md', 'docs/tasks-and-policies.md', 'docs/operating.md'];

const examples = PAGES.flatMap((page) => {
  const text = readFileSync(join(import.meta.dirname, '../../..', page), 'utf8');
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].flatMap((match) => {
    const split = splitDocuments(match[1]!);
    if (!split.ok) throw new Error(`${page}: ${split.problems.map(({ message }) => message).join('; ')}`);
    return split.document.map((document) => ({ ...document, page }));
  });
});

describe('the documents that the pages show', () => {
  it.each(examples)('$page: $kind $name parses', ({ kind, source }) => {
    expect(PARSERS[kind](source)).toMatchObject({ ok: true });
  });

  it('shows one of every kind', () => {
    expect(new Set(examples.map(({ kind }) => kind))).toEqual(new Set(['Task', 'Policy', 'Workflow', 'Resource']));
  });
});
