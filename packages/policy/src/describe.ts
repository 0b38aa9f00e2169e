import { type ApprovalTerms, formatDurationMs, type GrantLimits, type MaskName } from '@taskgate/core';
import { formatFunctionPattern } from './function-pattern.ts';
import {
  type ColumnPattern,
  formatColumnPattern,
  formatNamePattern,
  formatRelationPattern,
  type RelationPattern,
} from './name-pattern.ts';
import type {
  MaskRule,
  PolicyDocument,
  RecordTerms,
  RuleSource,
  RuleTarget,
  TaskDocument,
  WorkflowDocument,
} from './policy-document.ts';

export interface DescriptionItem {
  /** One plain English sentence without a full stop. */
  readonly text: string;
  /** Path of the rule in its source, such as `allow.0`. */
  readonly path: string;
  readonly line: number | null;
  readonly tone: 'allow' | 'deny' | 'hold' | 'mask' | 'limit' | 'plain';
}

export interface DescriptionSection {
  readonly title: string;
  readonly items: readonly DescriptionItem[];
}

const DO: Readonly<Record<string, string>> = {
  select: 'read',
  insert: 'insert into',
  update: 'update',
  delete: 'delete rows of',
  truncate: 'empty',
  lock: 'lock',
};

const MASKED: Readonly<Record<MaskName, string>> = {
  email: 'with only the first letter and the domain of an address readable',
  last4: 'with only the last four characters readable',
  hash: 'as a keyed hash',
  redact: 'redacted',
  null: 'as null',
};

const KINDS: Readonly<Record<string, string>> = {
  'card-number': 'card numbers',
  email: 'email addresses',
  ssn: 'social security numbers',
  'private-key': 'private keys',
  secret: 'secrets such as API keys',
};

function joined(words: readonly string[], last = 'and'): string {
  return words.length <= 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

function relations(patterns: readonly RelationPattern[]): string {
  return joined(
    patterns.map((pattern) => {
      const text = formatRelationPattern(pattern);
      if (text === '*') return 'every table and view';
      return text.endsWith('.*') ? `everything in schema ${text.slice(0, -2)}` : text;
    }),
  );
}

function columnsOf(patterns: readonly ColumnPattern[]): string {
  return `${patterns.length === 1 ? 'column' : 'columns'} ${joined(patterns.map(formatColumnPattern))}`;
}

function target(about: RuleTarget): string {
  switch (about.kind) {
    case 'access': {
      const what = `${DO[about.verb]} ${relations(about.relations)}`;
      if (about.columns === null) return what;
      const columns = joined(about.columns.map(formatNamePattern));
      return about.columns.length === 1 ? `${what}, column ${columns} only` : `${what}, columns ${columns} only`;
    }
    case 'statements': {
      const on = about.on === null ? '' : ` on ${relations(about.on)}`;
      if (about.classes === '*')
        return about.on === null
          ? 'run every statement, on every relation, with any function'
          : `run every statement${on}`;
      return `run ${joined(about.classes, 'or')} statements${on}`;
    }
    case 'functions':
      return `call ${joined(about.functions.map(formatFunctionPattern))}`;
  }
}

function people({ from, count }: Pick<ApprovalTerms, 'from' | 'count'>): string {
  return `${count} ${count === 1 ? 'person' : 'people'} of ${joined(from, 'or')}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const rows = (max: number | null): string =>
  max === null ? '' : `, at most ${max} ${max === 1 ? 'row' : 'rows'} a statement`;

const few = (max: number | null | undefined): string =>
  typeof max === 'number' ? `, where the planner expects at most ${max} rows` : '';
/** As the pages show numbers: `10,000`. */
const formatCount = (value: number): string => value.toLocaleString('en-US');
const many = (above: number | null | undefined): string =>
  typeof above === 'number' ? `, where the planner expects more than ${formatCount(above)} rows` : '';
const DRY_RUN =
  '; before that it is run with its triggers and rolled back, to show the reviewer what it would do (sequences stay advanced)';

const item = (source: RuleSource | string, tone: DescriptionItem['tone'], text: string): DescriptionItem =>
  typeof source === 'string'
    ? { text: capital(text), path: source, line: null, tone }
    : { text: capital(text), path: source.path, line: source.line, tone };

function maskItem(rule: MaskRule): DescriptionItem {
  switch (rule.kind) {
    case 'columns':
      return item(
        rule.source,
        'mask',
        `${columnsOf(rule.columns)} ${rule.columns.length === 1 ? 'is' : 'are'} shown ${MASKED[rule.mask]}`,
      );
    case 'class':
      return item(rule.source, 'mask', `every column classified as ${rule.class} is shown ${MASKED[rule.mask]}`);
    case 'kinds': {
      const parts = rule.kinds.map(({ kind, mask }) => `${KINDS[kind]} ${MASKED[mask]}`);
      return item(rule.source, 'mask', `wherever they appear in text: ${joined(parts)}`);
    }
  }
}

function rulesSections(document: TaskDocument | PolicyDocument): readonly DescriptionSection[] {
  return [
    {
      title: 'Needs approval, one statement at a time',
      items: document.hold.map((rule) =>
        item(
          rule.source,
          'hold',
          `${target(rule.target)}${rows(rule.affectsMax)}${many(rule.estimateAbove)}, once ${people(rule.approvals)} ${rule.approvals.count === 1 ? 'approves' : 'approve'} within ${formatDurationMs(rule.approvals.timeoutMs)}${rule.approvals.stepUp === true ? ', signing with a passkey' : ''}${rule.dryRun === true ? DRY_RUN : ''}`,
        ),
      ),
    },
    {
      title: 'Denied',
      items: document.deny.map((rule) =>
        item(rule.source, 'deny', `nobody may ${target(rule.target)}${many(rule.estimateAbove)}`),
      ),
    },
    { title: 'Masked', items: document.mask.map(maskItem) },
  ];
}

function limitItems(limits: GrantLimits): readonly DescriptionItem[] {
  const items: DescriptionItem[] = [];
  const add = (key: string, value: number | null, text: (value: number) => string): void => {
    if (value !== null) items.push(item(`limits.${key}`, 'limit', text(value)));
  };
  add('rows', limits.rows, (value) => `at most ${formatCount(value)} rows in all`);
  add('bytes', limits.bytes, (value) => `at most ${formatBytes(value)} of results in all`);
  add('statements', limits.statements, (value) => `at most ${formatCount(value)} statements`);
  add('duration', limits.durationMs, (value) => `statements run for at most ${formatDurationMs(value)} in all`);
  add(
    'statement',
    limits.statementMs,
    (value) => `a statement that runs longer than ${formatDurationMs(value)} is cancelled`,
  );
  add('idle', limits.idleMs, (value) => `a connection idle for ${formatDurationMs(value)} is closed`);
  add(
    'connections',
    limits.connections,
    (value) => `at most ${value} ${value === 1 ? 'connection' : 'connections'} at once`,
  );
  return items;
}

function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['KB', 1e3],
  ] as const)
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  return `${bytes} bytes`;
}

function recordItems(record: RecordTerms): readonly DescriptionItem[] {
  const items: DescriptionItem[] = [];
  if (record.results !== null)
    items.push(
      item(
        'record.results',
        'plain',
        record.results === 'masked' ? 'results are recorded as they were shown' : 'results are not recorded',
      ),
    );
  if (record.readers !== null)
    items.push(
      item(
        'record.readers',
        'plain',
        record.readers.length === 0
          ? 'no group may read the recordings'
          : `recordings can be read by ${joined(record.readers)}`,
      ),
    );
  if (record.keepMs !== null)
    items.push(item('record.keep', 'plain', `recordings are kept for ${formatDurationMs(record.keepMs)}`));
  return items;
}

const filled = (sections: readonly DescriptionSection[]): readonly DescriptionSection[] =>
  sections.filter(({ items }) => items.length > 0);

function termItems({ who, access }: Pick<TaskDocument, 'who' | 'access'>): readonly DescriptionItem[] {
  const whoever = [
    ...(who.groups.length > 0 ? [`members of ${joined(who.groups, 'or')}`] : []),
    ...(who.machines.length > 0 ? [`the machines ${joined(who.machines, 'or')}`] : []),
    ...(who.agents.length > 0 ? [`the agents ${joined(who.agents, 'or')}`] : []),
  ];
  const terms: DescriptionItem[] = [
    item(
      'who',
      whoever.length > 0 ? 'plain' : 'deny',
      whoever.length > 0 ? `${joined(whoever, 'or')} can activate this` : 'nobody can activate this',
    ),
  ];
  if (access.reasonRequired) terms.push(item('access.reason', 'plain', 'they must give a reason'));
  if (access.ticketRequired) terms.push(item('access.ticket', 'plain', 'they must name a ticket'));
  if (access.approvals) terms.push(item('access.approvals', 'hold', `${people(access.approvals)} must approve first`));
  if (access.stepUp === 'activation' || access.stepUp === 'both')
    terms.push(item('access.step-up', 'hold', 'they must confirm its activation with a passkey'));
  if (access.stepUp === 'approval' || access.stepUp === 'both')
    terms.push(item('access.step-up', 'hold', 'each approval must be signed with a passkey'));
  if (access.when !== null) terms.push(item('access.when', 'limit', `only when ${access.when} (times are UTC)`));
  terms.push(item('access.ttl', 'limit', `it ends after ${formatDurationMs(access.ttlMs)}`));
  return terms;
}

/** What the task means, in plain English: for whoever reviews, activates or audits it. */
export function describeTask(document: TaskDocument): readonly DescriptionSection[] {
  const allowed = document.allow.map((rule) =>
    item(rule.source, 'allow', `${target(rule.target)}${rows(rule.affectsMax)}${few(rule.estimateMax)}`),
  );
  return [
    { title: 'Who and for how long', items: termItems(document) },
    {
      title: 'Allowed',
      items:
        allowed.length > 0 || document.hold.length > 0
          ? allowed
          : [item('allow', 'deny', 'nothing: there is no allow rule')],
    },
    ...rulesSections(document),
    { title: 'Limits', items: limitItems(document.limits) },
    { title: 'Recorded', items: recordItems(document.record) },
  ].filter(({ items }) => items.length > 0);
}

/** What the policy means, in plain English. */
export function describePolicy(document: PolicyDocument): readonly DescriptionSection[] {
  const { all, names, labels } = document.applies;
  const marked = Object.entries(labels).map(([key, value]) => `${key}: ${value}`);
  const applies: DescriptionItem[] = [];
  if (all) applies.push(item('applies.all', 'plain', 'every resource'));
  if (names.length > 0) applies.push(item('applies.resources.names', 'plain', `the resources ${joined(names)}`));
  if (marked.length > 0)
    applies.push(item('applies.resources.labels', 'plain', `every resource labelled ${joined(marked)}`));
  if (applies.length === 0) applies.push(item('applies', 'deny', 'no resource'));
  return filled([
    { title: 'Holds for every task on', items: applies },
    {
      title: 'Classified',
      items: document.classify.map((rule) =>
        item(
          rule.source,
          'plain',
          `${columnsOf(rule.columns)} ${rule.columns.length === 1 ? 'is' : 'are'} classified as ${rule.class}`,
        ),
      ),
    },
    ...rulesSections(document),
    { title: 'Limits', items: limitItems(document.limits) },
    { title: 'Recorded', items: recordItems(document.record) },
  ]);
}

/** What the workflow means, in plain English. */
export function describeWorkflow(document: WorkflowDocument): readonly DescriptionSection[] {
  return filled([
    { title: 'Who and for how long', items: termItems(document) },
    {
      title: 'Steps',
      items: document.steps.map(({ source, task, after }) =>
        item(
          source,
          'plain',
          after.length === 0
            ? `task ${task}`
            : `task ${task}, once ${joined(after)} ${after.length === 1 ? 'has' : 'have'} completed`,
        ),
      ),
    },
    { title: 'Limits of all steps together', items: limitItems(document.limits) },
  ]);
}
