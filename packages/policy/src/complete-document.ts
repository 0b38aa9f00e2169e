import { DETECTOR_KINDS, MASK_NAMES, STATEMENT_CLASSES } from '@taskgate/core';
import { editorContext } from './editor-context.ts';
import { POLICY_KEYS } from './parse-policy.ts';
import { RESOURCE_KEYS } from './parse-resource-manifest.ts';
import { APPROVAL_KEYS } from './parse-rule.ts';
import { ACCESS_KEYS, TASK_KEYS } from './parse-task.ts';
import { LIMIT_KEYS } from './parse-terms.ts';
import { STEP_KEYS, WORKFLOW_KEYS } from './parse-workflow.ts';
import { RULE_VERBS, STEP_UPS, TLS_MODES } from './policy-document.ts';

export interface Completion {
  readonly label: string;
  readonly detail?: string;
}

export interface KnownNames {
  readonly resources: readonly string[];
  readonly groups: readonly string[];
  /** For the steps of a workflow; missing: none are offered. */
  readonly tasks?: readonly string[];
  /** Names as they are written in rules: `public.orders`. */
  readonly relations: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

const MAX_OPTIONS = 200;
const TARGET_KEYS = [...RULE_VERBS, 'statements'] as const;

const ROOT_KEYS: Readonly<Record<string, readonly string[]>> = {
  Task: TASK_KEYS,
  Policy: POLICY_KEYS,
  Resource: RESOURCE_KEYS,
  Workflow: WORKFLOW_KEYS,
};

/** Keys that can stand under a path such as `access.approvals`; list indexes are not part of it. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  who: ['groups', 'machines', 'agents'],
  access: ACCESS_KEYS,
  'access.approvals': ['from', 'count', 'timeout'],
  allow: [...TARGET_KEYS, 'functions', 'columns', 'on', 'affects', 'estimate'],
  'allow.estimate': ['max'],
  'allow.affects': ['max'],
  hold: [...TARGET_KEYS, 'columns', 'on', 'affects', 'estimate', 'approvals', 'dryRun'],
  'hold.estimate': ['above'],
  'hold.affects': ['max'],
  'hold.approvals': APPROVAL_KEYS,
  deny: [...TARGET_KEYS, 'functions', 'columns', 'on', 'estimate'],
  'deny.estimate': ['above'],
  mask: ['columns', 'class', 'kinds', 'as'],
  classify: ['columns', 'as'],
  limits: LIMIT_KEYS,
  record: ['results', 'durability', 'readers', 'keep'],
  applies: ['resources', 'all'],
  'applies.resources': ['names', 'labels'],
  tls: ['mode', 'ca'],
  steps: STEP_KEYS,
};

const DETAILS: Readonly<Record<string, string>> = {
  allow: 'what the task lets through',
  hold: 'what waits for approval',
  deny: 'what is refused whatever is allowed',
  mask: 'what is shown only in part',
  classify: 'gives columns a class',
  limits: LIMIT_KEYS.join(', '),
  duration: 'how long its statements may run, all together',
  statement: 'how long one statement may run',
  record: 'what is recorded, who reads it',
  who: 'groups that may activate it',
  access: 'reason, approvals, how long, when',
  statements: 'whole classes of statements',
  affects: 'rows a write may touch',
  estimate: 'rows that the planner expects',
  steps: 'tasks, each with what it comes after',
  after: 'tasks that must have completed',
  dryRun: 'run it before approval and roll it back, to show what it would do',
  'step-up': 'what needs a fresh passkey',
  when: 'CEL over `now` and `identity`, UTC',
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  kind: ['Task', 'Policy', 'Resource', 'Workflow'],
  statements: ["'*'", ...STATEMENT_CLASSES],
  kinds: DETECTOR_KINDS,
  reason: ['required', 'optional'],
  ticket: ['required', 'optional'],
  results: ['masked', 'none'],
  durability: ['crash'],
  mode: TLS_MODES,
  type: ['postgres'],
  all: ['true'],
  'step-up': STEP_UPS,
  ttl: ['15m', '30m', '1h', '4h', '8h', '24h'],
  timeout: ['5m', '10m', '30m', '1h'],
  idle: ['5m', '10m', '30m'],
  duration: ['1m', '10m', '1h'],
  statement: ['5s', '30s', '5m'],
  keep: ['90d', '400d', '3650d'],
  bytes: ['1MB', '20MB', '100MB'],
  count: ['1', '2'],
  max: ['1', '10', '100'],
  above: ['100', '1000', '10000'],
  dryRun: ['true'],
};

/** What could be written at `offset`, filtered by what stands before it; `from` is where the option would begin. */
export function completeDocument(
  source: string,
  offset: number,
  known: KnownNames,
): { readonly from: number; readonly options: readonly Completion[] } {
  const context = editorContext(source, offset);
  const found =
    context.position === 'key' ? keysAt(context.path, context.kind) : valuesAt(context.path, context.rule, known);
  const word = context.word.toLowerCase();
  const options = found
    .filter(({ label }) => label.toLowerCase().includes(word) && label !== context.word)
    .sort((a, b) => Number(b.label.startsWith(word)) - Number(a.label.startsWith(word)));
  return { from: offset - context.word.length, options: options.slice(0, MAX_OPTIONS) };
}

function keysAt(path: readonly string[], kind: string | null): readonly Completion[] {
  const root = ROOT_KEYS[kind ?? 'Task'] ?? TASK_KEYS;
  const keys: readonly string[] = path.length === 0 ? root : (KEYS[path.join('.')] ?? []);
  return keys.map((label) => {
    const detail = DETAILS[label];
    return detail === undefined ? { label } : { label, detail };
  });
}

function valuesAt(path: readonly string[], rule: string, known: KnownNames): readonly Completion[] {
  const section = path[0] ?? '';
  const key = path.at(-1) ?? '';
  const plain = (labels: readonly string[], detail?: string): readonly Completion[] =>
    labels.map((label) => (detail === undefined ? { label } : { label, detail }));
  if (key === 'resource' || path.join('.') === 'applies.resources.names') return plain(known.resources, 'resource');
  if (section === 'steps' && (key === 'task' || key === 'after')) return plain(known.tasks ?? [], 'task');
  if (key === 'groups' || key === 'from' || key === 'readers') return plain(known.groups, 'group');
  const isRule = section === 'allow' || section === 'hold' || section === 'deny';
  if (isRule && (key === 'on' || (RULE_VERBS as readonly string[]).includes(key))) {
    const schemas = new Set(
      known.relations.flatMap(({ name }) => (name.includes('.') ? [`${name.split('.')[0]}.*`] : [])),
    );
    return [
      ...known.relations.map(({ name, columns }) => ({ label: name, detail: `${columns.length} columns` })),
      ...plain([...schemas], 'every relation of the schema'),
      { label: "'*'", detail: 'every relation' },
    ];
  }
  if (key === 'columns') {
    if (!isRule)
      return known.relations.flatMap(({ name, columns }) =>
        plain(
          columns.map((column) => `${name}.${column}`),
          'column',
        ),
      );
    const named = known.relations.filter(({ name }) => rule.includes(name));
    return (named.length > 0 ? named : known.relations).flatMap(({ name, columns }) => plain(columns, name));
  }
  if (key === 'as') return section === 'classify' ? plain(['pii']) : plain(MASK_NAMES, 'mask');
  if (section === 'limits' && (key === 'statements' || key === 'rows')) return plain(['100', '1000', '10000']);
  if (key === 'step-up' && section === 'hold') return plain(['true']);
  return plain(VALUES[key] ?? []);
}
