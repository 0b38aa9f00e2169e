import { type ApprovalTerms, formatDurationMs } from '@taskgate/core';
import type { AttenuationDimension } from './attenuation.ts';
import { formatBytes } from './format-bytes.ts';
import { formatFunctionPattern } from './function-pattern.ts';
import { formatColumnPattern, formatNamePattern, formatRelationPattern } from './name-pattern.ts';
import type { AllowRule, DenyRule, HoldRule, MaskRule, RuleTarget, TaskDocument } from './policy-document.ts';

/** One thing in which a narrowed task differs from its parent, for a screen. */
export interface NarrowingChange {
  readonly dimension: AttenuationDimension;
  /** `select on public.customers`, `limits.rows`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/** How what a rule opens is bounded: by dimension, in words. */
type Bounds = Partial<Record<AttenuationDimension, string>>;
interface Opened {
  readonly dimension: AttenuationDimension;
  readonly bounds: Bounds;
}

/** In what the child is narrower than its parent, in the order of the document. Empty: in nothing. */
export function describeNarrowing(parent: TaskDocument, child: TaskDocument): readonly NarrowingChange[] {
  return [
    ...openedChanges(opened(parent), opened(child)),
    ...valueChanges('deny', denied(parent), denied(child), 'not denied'),
    ...valueChanges('mask', masked(parent), masked(child), 'in clear'),
    ...valueChanges('limit', limited(parent), limited(child), 'no limit'),
    ...valueChanges(
      'end',
      new Map([['access.ttl', formatDurationMs(parent.access.ttlMs)]]),
      new Map([['access.ttl', formatDurationMs(child.access.ttlMs)]]),
      '',
    ),
  ];
}

function openedChanges(
  before: ReadonlyMap<string, Opened>,
  after: ReadonlyMap<string, Opened>,
): readonly NarrowingChange[] {
  const changes: NarrowingChange[] = [];
  for (const [what, { dimension, bounds }] of before) {
    const kept = after.get(what);
    if (kept === undefined) {
      changes.push({ dimension, what, before: inWords(bounds), after: 'not allowed' });
      continue;
    }
    for (const one of BOUNDS) {
      const [was, is] = [bounds[one] ?? UNBOUNDED[one], kept.bounds[one] ?? UNBOUNDED[one]];
      if (was !== is) changes.push({ dimension: one, what, before: was, after: is });
    }
  }
  for (const [what, { dimension, bounds }] of after)
    if (!before.has(what)) changes.push({ dimension, what, before: 'within a wider rule', after: inWords(bounds) });
  return changes;
}

const BOUNDS = ['column', 'hold', 'affects', 'estimate'] as const;
const UNBOUNDED: Readonly<Record<(typeof BOUNDS)[number], string>> = {
  column: 'every column',
  hold: 'no approval',
  affects: 'any number of rows',
  estimate: 'however many rows',
};

function inWords(bounds: Bounds): string {
  const words = BOUNDS.flatMap((one) => bounds[one] ?? []);
  return words.length === 0 ? 'allowed' : words.join(', ');
}

function opened(task: TaskDocument): ReadonlyMap<string, Opened> {
  const found = new Map<string, Opened>();
  for (const rule of [...task.allow, ...task.hold])
    for (const [what, dimension] of subjects(rule.target)) {
      const bounds = boundsOf(rule);
      const known = found.get(what);
      found.set(
        what,
        known === undefined ? { dimension, bounds } : { dimension, bounds: either(known.bounds, bounds) },
      );
    }
  return found;
}

/** Two rules about the same: both are said where they differ. */
function either(a: Bounds, b: Bounds): Bounds {
  return Object.fromEntries(
    BOUNDS.flatMap((one) => {
      const words = [...new Set([a[one] ?? UNBOUNDED[one], b[one] ?? UNBOUNDED[one]])];
      return words.length === 1 && words[0] === UNBOUNDED[one] ? [] : [[one, words.join(' or ')]];
    }),
  );
}

function subjects(target: RuleTarget): readonly (readonly [string, AttenuationDimension])[] {
  switch (target.kind) {
    case 'access':
      return target.relations.map((one) => [`${target.verb} on ${formatRelationPattern(one)}`, 'relation']);
    case 'functions':
      return target.functions.map((one) => [`call of ${formatFunctionPattern(one)}`, 'function']);
    case 'statements': {
      const on = target.on === null ? [''] : target.on.map((one) => ` on ${formatRelationPattern(one)}`);
      const classes = target.classes === '*' ? ['every'] : target.classes;
      return classes.flatMap((one) => on.map((where) => [`${one} statements${where}`, 'statement-class'] as const));
    }
  }
}

function boundsOf(rule: AllowRule | HoldRule): Bounds {
  const { target, affectsMax } = rule;
  const columns = target.kind === 'access' ? target.columns : null;
  const most = 'estimateMax' in rule ? rule.estimateMax : null;
  return {
    ...(columns === null ? {} : { column: `columns ${columns.map(formatNamePattern).join(', ')}` }),
    ...('approvals' in rule ? { hold: heldBy(rule.approvals, rule.estimateAbove ?? null) } : {}),
    ...(affectsMax === null
      ? {}
      : { affects: `at most ${affectsMax} ${affectsMax === 1 ? 'row' : 'rows'} a statement` }),
    ...(typeof most === 'number' ? { estimate: `at most ${most} rows expected` } : {}),
  };
}

function heldBy({ from, count, timeoutMs }: ApprovalTerms, above: number | null): string {
  const where = above === null ? '' : ` above ${above} rows expected`;
  return `approval by ${count} of ${from.join(' or ')} within ${formatDurationMs(timeoutMs)}${where}`;
}

function denied({ deny }: TaskDocument): ReadonlyMap<string, string> {
  const words = (rule: DenyRule): string => {
    const columns = rule.target.kind === 'access' ? rule.target.columns : null;
    const of = columns === null ? '' : `, columns ${columns.map(formatNamePattern).join(', ')}`;
    return typeof rule.estimateAbove === 'number'
      ? `denied${of} above ${rule.estimateAbove} rows expected`
      : `denied${of}`;
  };
  return gathered(deny.flatMap((rule) => subjects(rule.target).map(([what]) => [what, words(rule)] as const)));
}

function masked({ mask }: TaskDocument): ReadonlyMap<string, string> {
  const parts = (rule: MaskRule): readonly (readonly [string, string])[] => {
    switch (rule.kind) {
      case 'columns':
        return rule.columns.map((one) => [formatColumnPattern(one), rule.mask]);
      case 'class':
        return [[`class ${rule.class}`, rule.mask]];
      case 'kinds':
        return rule.kinds.map((one) => [`what looks like ${one.kind}`, one.mask]);
    }
  };
  return gathered(mask.flatMap(parts));
}

/** Several values of one thing, side by side. */
function gathered(entries: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  const found = new Map<string, Set<string>>();
  for (const [what, value] of entries) found.set(what, (found.get(what) ?? new Set()).add(value));
  return new Map([...found].map(([what, values]) => [what, [...values].join(' and ')]));
}

function limited({ limits }: TaskDocument): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (key: string, value: number | null, format: (value: number) => string): void => {
    if (value !== null) found.set(`limits.${key}`, format(value));
  };
  add('rows', limits.rows, String);
  add('bytes', limits.bytes, formatBytes);
  add('statements', limits.statements, String);
  add('duration', limits.durationMs, formatDurationMs);
  add('statement', limits.statementMs, formatDurationMs);
  add('idle', limits.idleMs, formatDurationMs);
  add('connections', limits.connections, String);
  return found;
}

function valueChanges(
  dimension: AttenuationDimension,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  none: string,
): readonly NarrowingChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [was, is] = [before.get(what) ?? none, after.get(what) ?? none];
    return was === is ? [] : [{ dimension, what, before: was, after: is }];
  });
}
