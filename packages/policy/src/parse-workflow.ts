import { didYouMean } from './did-you-mean.ts';
import { parseAccess, parseWho } from './parse-task.ts';
import { parsed, parseEach, parseLimits, parseName, requireKind } from './parse-terms.ts';
import type { ParseResult, WorkflowDocument, WorkflowStep } from './policy-document.ts';
import { type Place, YamlSource } from './yaml-source.ts';

export const WORKFLOW_KEYS = ['kind', 'name', 'purpose', 'who', 'access', 'steps', 'limits'] as const;
export const STEP_KEYS = ['task', 'after'] as const;
const MAX_STEPS = 50;

interface PlacedStep {
  readonly step: WorkflowStep;
  readonly taskPlace: Place;
  readonly afterPlaces: readonly { readonly text: string; readonly place: Place }[];
}

function parseStep(yaml: YamlSource, place: Place): PlacedStep | undefined {
  const fields = yaml.mapping(place, STEP_KEYS);
  const taskPlace = fields && yaml.required(fields, 'task');
  const task = taskPlace && parseName(yaml, taskPlace);
  const afterPlace = fields?.get('after');
  if (afterPlace && yaml.isEmptyList(afterPlace))
    yaml.problem(afterPlace, '`after` is empty; name the steps that come before, or remove it');
  const afterPlaces = afterPlace?.node ? (yaml.texts(afterPlace, 100) ?? []) : [];
  if (taskPlace === undefined || task === undefined) return undefined;
  const source = { path: place.path, line: yaml.position(place).line };
  return { step: { source, task, after: [...new Set(afterPlaces.map(({ text }) => text))] }, taskPlace, afterPlaces };
}

/** Steps that are known, each once, and in an order that ends. */
function checkSteps(yaml: YamlSource, steps: readonly PlacedStep[]): void {
  const known = new Map<string, PlacedStep>();
  for (const placed of steps) {
    const { task } = placed.step;
    if (known.has(task)) yaml.problem(placed.taskPlace, `task \`${task}\` is a step already; each task is one step`);
    else known.set(task, placed);
  }
  for (const { step, afterPlaces } of steps)
    for (const { text, place } of afterPlaces) {
      if (text === step.task) yaml.problem(place, `step \`${text}\` cannot come after itself`);
      else if (!known.has(text))
        yaml.problem(place, `\`${text}\` is no step of this workflow${didYouMean(text, [...known.keys()])}`);
    }
  const cycle = cycleOf(new Map([...known].map(([task, { step }]) => [task, step.after])));
  if (cycle.length > 1)
    yaml.problem(
      known.get(cycle[0]!)!.taskPlace,
      `the steps wait for one another: ${cycle.map((task) => `\`${task}\``).join(' after ')}; remove one \`after\``,
    );
}

/** `a`, `b`, `a`, where `a` is after `b` and `b` after `a`; empty: no steps wait for one another. */
function cycleOf(after: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const visit = (task: string, path: readonly string[]): readonly string[] => {
    const at = path.indexOf(task);
    if (at >= 0) return [...path.slice(at), task];
    if (done.has(task)) return [];
    for (const one of after.get(task) ?? []) {
      const found = one === task ? [] : visit(one, [...path, task]);
      if (found.length > 0) return found;
    }
    done.add(task);
    return [];
  };
  for (const task of after.keys()) {
    const found = visit(task, []);
    if (found.length > 0) return found;
  }
  return [];
}

/** Reads one Workflow; all of its problems come at once, each with its place. Never throws. */
export function parseWorkflow(source: string): ParseResult<WorkflowDocument> {
  const yaml = new YamlSource(source);
  const empty = { ok: false, problems: yaml.problems } as const;
  if (yaml.problems.length > 0) return empty;
  const fields = yaml.mapping(yaml.root, WORKFLOW_KEYS);
  if (!fields) return empty;
  requireKind(yaml, fields, 'Workflow');
  const namePlace = yaml.required(fields, 'name');
  const purposePlace = yaml.required(fields, 'purpose');
  const stepsPlace = yaml.required(fields, 'steps');
  const steps = parseEach(yaml, stepsPlace, parseStep);
  if (stepsPlace && yaml.isEmptyList(stepsPlace))
    yaml.problem(stepsPlace, 'the workflow has no steps; name at least one task');
  if (steps.length > MAX_STEPS) yaml.problem(stepsPlace!, `a workflow has at most ${MAX_STEPS} steps`);
  else checkSteps(yaml, steps);
  return parsed(yaml, {
    kind: 'Workflow',
    name: (namePlace && parseName(yaml, namePlace)) ?? '',
    purpose: (purposePlace && yaml.text(purposePlace, 500)) ?? '',
    who: parseWho(yaml, fields.get('who')),
    access: parseAccess(yaml, fields.get('access')),
    steps: steps.map(({ step }) => step),
    limits: parseLimits(yaml, fields.get('limits')),
  });
}
