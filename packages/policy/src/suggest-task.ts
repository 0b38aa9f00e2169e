import {
  ACCESS_VERBS,
  type AccessVerb,
  type ApprovalTerms,
  formatDurationMs,
  MASK_NAMES,
  type MaskName,
  type PostgresCatalog,
  type RelationAccess,
  type SqlOperation,
  type StatementClass,
  strictestMask,
} from '@taskgate/core';
import { type CompiledPolicySet, compilePolicySet, maskOfColumn } from './compile-policy-set.ts';
import { decide } from './decide.ts';
import { isSystemAccess, touchesAccess } from './match-rule.ts';
import { matchingHolds } from './matching-holds.ts';
import { formatName, formatRelation } from './name-pattern.ts';
import { parseTask } from './parse-task.ts';
import type { ResourceFacts } from './policy-applies.ts';
import { type PolicyDocument, RULE_VERBS, type RuleVerb } from './policy-document.ts';

/** Something that was done: each is allowed by what is suggested, or it is said why not. */
export interface DoneOperation {
  readonly operation: SqlOperation;
  /** By whom it was approved where it was held; the suggestion holds it too. */
  readonly approvals: ApprovalTerms | null;
  /** What it was decided by: its masks and limits of rows are taken over. */
  readonly set: CompiledPolicySet;
  /** For the comment of the rules that it needs: who did it, and when. */
  readonly from: string;
}

export interface SuggestionInput {
  readonly name: string;
  readonly purpose: string;
  readonly groups: readonly string[];
  readonly operations: readonly DoneOperation[];
  readonly policies: readonly { readonly name: string; readonly revision: number; readonly document: PolicyDocument }[];
  readonly resource: ResourceFacts;
  readonly catalog: PostgresCatalog;
  readonly isAllowedSystemRelation: (schema: string, name: string) => boolean;
}

export interface Suggestion {
  /** YAML of a task, with where each rule comes from. */
  readonly source: string;
  /** What it does not allow though it was done, with why; indexes into the operations. */
  readonly left: readonly { readonly index: number; readonly why: string }[];
}

type Kind = 'access' | 'statements' | 'functions';

/** A rule while it is being made. `columns` is empty for what has none. */
interface Draft {
  readonly list: 'allow' | 'hold';
  readonly kind: Kind;
  /** Verb, class, or nothing for functions. */
  readonly word: string;
  /** As it is written; `''`: a class without relations. */
  readonly on: string;
  readonly columns: Set<string>;
  readonly approvals: ApprovalTerms | null;
  /** `undefined`: not known yet; `null`: something needed it without a limit. */
  affectsMax: number | null | undefined;
  readonly from: Set<string>;
  /** Other rules may make it needless: a view whose tables are open, a class. */
  readonly mayBeNeedless: boolean;
}

const COLUMN_VERBS: readonly string[] = ['select', 'insert', 'update'];
const COUNTED_VERBS: readonly string[] = ['insert', 'update', 'delete'];
/** Classes that need a rule of their own, whatever they reach. */
const CLASSES_WITH_RULE: readonly StatementClass[] = [
  ...(['create', 'alter', 'drop', 'grant', 'comment', 'maintenance', 'call', 'notify'] as const),
];
/** More are not tried to be left out. */
const MAX_TRIALS = 200;
const MAX_NAMED = 3;

/**
 * The least task that allows what was done: one rule for each verb and relation with just the columns used, each
 * function by name, masks and limits of rows as they were. Rules that the others make needless are left out.
 */
export function suggestTask(input: SuggestionInput): Suggestion {
  const drafts = new Map<string, Draft>();
  for (const done of input.operations) addRules(drafts, done);
  const masks = masksOf(input.operations);
  const rules = withColumns(withoutAllowed([...drafts.values()]), input.catalog);
  const kept = withoutNeedless(input, rules, masks);
  const source = render(input, kept, masks);
  const set = compile(input, source);
  const left = input.operations.flatMap(({ operation }, index) => {
    if (set === null) return [{ index, why: 'the suggestion could not be read back' }];
    const decision = decide(operation, set);
    return decision.outcome === 'deny' ? [{ index, why: decision.reasons[0]!.message }] : [];
  });
  return { source, left };
}

function addRules(drafts: Map<string, Draft>, done: DoneOperation): void {
  const { operation } = done;
  const limit = decide(operation, done.set).obligations.affectsMax;
  const isHeld = heldAccesses(done);
  const add = (
    rule: Pick<Draft, 'kind' | 'word' | 'on'> & {
      readonly columns?: readonly string[];
      readonly held?: boolean;
      readonly mayBeNeedless?: boolean;
    },
  ): void => {
    const list = rule.held === true ? 'hold' : 'allow';
    const key = JSON.stringify([list, rule.kind, rule.word, rule.on]);
    const known = drafts.get(key);
    const draft: Draft = known ?? {
      list,
      kind: rule.kind,
      word: rule.word,
      on: rule.on,
      columns: new Set(),
      approvals: list === 'hold' ? done.approvals : null,
      affectsMax: undefined,
      from: new Set(),
      mayBeNeedless: rule.mayBeNeedless === true,
    };
    for (const column of rule.columns ?? []) draft.columns.add(column);
    if (COUNTED_VERBS.includes(rule.word))
      draft.affectsMax = limit === null || draft.affectsMax === null ? null : Math.max(limit, draft.affectsMax ?? 0);
    draft.from.add(done.from);
    drafts.set(key, draft);
  };

  const verbs = new Set<string>();
  for (const access of operation.accesses) {
    if (isSystemAccess(access)) continue;
    const { verb, expands } = access;
    const on = formatRelation(access.relation);
    const held = isHeld(access);
    verbs.add(verb);
    if ((RULE_VERBS as readonly string[]).includes(verb)) {
      const columns = COLUMN_VERBS.includes(verb) ? access.columns : [];
      add({ kind: 'access', word: verb, on, columns, held, mayBeNeedless: expands.length > 0 });
    } else add({ kind: 'statements', word: verb, on, held, mayBeNeedless: true });
  }
  const { statementClass } = operation;
  if (CLASSES_WITH_RULE.includes(statementClass) && !verbs.has(statementClass))
    add({ kind: 'statements', word: statementClass, on: '', held: done.approvals !== null, mayBeNeedless: true });
  for (const { candidates } of operation.functions)
    for (const { harmless, schema, name, arguments: types } of candidates) {
      if (harmless) continue;
      const signature = types === null ? '' : `(${types.join(', ')})`;
      add({ kind: 'functions', word: '', on: `${formatName(schema)}.${formatName(name)}${signature}` });
    }
}

/** Which accesses of a held operation it was held for; where no rule was about any, all that it writes. */
function heldAccesses({ operation, approvals, set }: DoneOperation): (access: RelationAccess) => boolean {
  if (approvals === null) return () => false;
  const rules = matchingHolds(operation, set);
  const held = operation.accesses.filter((access) =>
    rules.some(({ target }) => target.kind === 'access' && touchesAccess(set, target, operation, access, true)),
  );
  if (held.length > 0) return (access) => held.includes(access);
  const writes = operation.accesses.filter(({ verb }) => verb !== 'select');
  return (access) => writes.length === 0 || writes.includes(access);
}

/** What is done without approval as well needs none: a hold is about the other columns, or about nothing. */
function withoutAllowed(rules: readonly Draft[]): readonly Draft[] {
  return rules.filter((rule) => {
    if (rule.list === 'allow') return true;
    const open = rules.find(
      (one) => one.list === 'allow' && one.kind === rule.kind && one.word === rule.word && one.on === rule.on,
    );
    if (open === undefined) return true;
    for (const column of open.columns) rule.columns.delete(column);
    return rule.columns.size > 0;
  });
}

/** A rule about columns names one at least: where only rows were counted, the first one of the relation. */
function withColumns(rules: readonly Draft[], catalog: PostgresCatalog): readonly Draft[] {
  return rules.filter((rule) => {
    if (!COLUMN_VERBS.includes(rule.word) || rule.columns.size > 0) return true;
    const first = catalog.relations.find((relation) => formatRelation(relation) === rule.on)?.columns[0];
    if (first !== undefined) rule.columns.add(first.name);
    return first !== undefined;
  });
}

interface SuggestedMasks {
  /** By `schema.relation.column` as written. */
  readonly columns: ReadonlyMap<string, MaskName>;
  readonly kinds: ReadonlyMap<string, MaskName>;
}

/** The masks that applied to what was shown, the strictest where they differed. */
function masksOf(operations: readonly DoneOperation[]): SuggestedMasks {
  const columns = new Map<string, MaskName>();
  const kinds = new Map<string, MaskName>();
  for (const { operation, set } of operations) {
    for (const { sources } of operation.output ?? [])
      for (const column of sources) {
        const mask = maskOfColumn(set, column)?.mask ?? null;
        if (mask === null) continue;
        const name = `${formatRelation({ schema: column.schema, name: column.relation })}.${formatName(column.column)}`;
        columns.set(name, strictestMask(columns.get(name) ?? null, mask)!);
      }
    for (const { kind, mask } of set.detectors) kinds.set(kind, strictestMask(kinds.get(kind) ?? null, mask)!);
  }
  return { columns, kinds };
}

/** Without the rules and columns of views and classes that nothing is denied without. */
function withoutNeedless(input: SuggestionInput, rules: readonly Draft[], masks: SuggestedMasks): readonly Draft[] {
  const allowed = (some: readonly Draft[]): string => {
    const set = compile(input, render(input, some, masks));
    if (set === null) return '';
    return input.operations.map(({ operation }) => decide(operation, set).outcome.charAt(0)).join('');
  };
  let kept = rules;
  if (!rules.some((rule) => rule.mayBeNeedless)) return kept;
  const whole = allowed(kept);
  let trials = 0;
  for (const rule of rules.filter((one) => one.mayBeNeedless)) {
    if (++trials > MAX_TRIALS) break;
    const without = kept.filter((one) => one !== rule);
    if (allowed(without) === whole) {
      kept = without;
      continue;
    }
    for (const column of [...rule.columns].slice(1)) {
      if (++trials > MAX_TRIALS) break;
      rule.columns.delete(column);
      if (allowed(kept) !== whole) rule.columns.add(column);
    }
  }
  return kept;
}

function compile(input: SuggestionInput, source: string): CompiledPolicySet | null {
  const parsed = parseTask(source);
  if (!parsed.ok) return null;
  return compilePolicySet({
    task: { name: parsed.document.name, revision: 0, document: parsed.document },
    policies: input.policies,
    resource: input.resource,
    catalog: input.catalog,
    isAllowedSystemRelation: input.isAllowedSystemRelation,
  });
}

function render(input: SuggestionInput, rules: readonly Draft[], masks: SuggestedMasks): string {
  const lines = [
    'kind: Task',
    `name: ${yamlText(input.name)}`,
    `purpose: ${yamlText(input.purpose)}`,
    `resource: ${yamlText(input.resource.name)}`,
    `who: { groups: [${input.groups.map(yamlText).join(', ')}] }`,
    'access: { reason: required, ttl: 1h }',
  ];
  for (const list of ['allow', 'hold'] as const) {
    const of = rules.filter((rule) => rule.list === list).sort(inOrder);
    if (of.length > 0) lines.push(`${list}:`);
    for (const rule of of) lines.push(...renderRule(rule));
  }
  const maskLines = renderMasks(masks);
  if (maskLines.length > 0) lines.push('mask:', ...maskLines);
  lines.push('record: { results: masked }', '');
  return lines.join('\n');
}

function renderRule(rule: Draft): string[] {
  const from = [...rule.from];
  const more = from.length > MAX_NAMED ? ` and ${from.length - MAX_NAMED} more` : '';
  const lines = [`  # ${oneLine(from.slice(0, MAX_NAMED).join(', '))}${more}`];
  if (rule.kind === 'functions') lines.push(`  - functions: ${yamlText(rule.on)}`);
  else if (rule.kind === 'statements') {
    lines.push(`  - statements: [${yamlText(rule.word)}]`);
    if (rule.on !== '') lines.push(`    on: ${yamlText(rule.on)}`);
  } else {
    lines.push(`  - ${rule.word as RuleVerb}: ${yamlText(rule.on)}`);
    if (rule.columns.size > 0)
      lines.push(`    columns: [${[...rule.columns].map((column) => yamlText(formatName(column))).join(', ')}]`);
    if (typeof rule.affectsMax === 'number' && rule.affectsMax > 0)
      lines.push(`    affects: { max: ${rule.affectsMax} }`);
  }
  if (rule.approvals !== null) {
    const { from: groups, count, timeoutMs, stepUp } = rule.approvals;
    lines.push(
      `    approvals: { from: [${groups.map(yamlText).join(', ')}], count: ${count}, timeout: ${formatDurationMs(timeoutMs)}${stepUp === true ? ', step-up: true' : ''} }`,
    );
  }
  return lines;
}

function renderMasks({ columns, kinds }: SuggestedMasks): string[] {
  const by = (of: ReadonlyMap<string, MaskName>, mask: MaskName): string[] =>
    [...of]
      .filter(([, one]) => one === mask)
      .map(([name]) => yamlText(name))
      .sort();
  return MASK_NAMES.flatMap((mask) => {
    const [named, found] = [by(columns, mask), by(kinds, mask)];
    return [
      ...(named.length > 0
        ? ['  # As it was shown', `  - columns: [${named.join(', ')}]`, `    as: ${yamlText(mask)}`]
        : []),
      ...(found.length > 0 ? [`  - kinds: [${found.join(', ')}]`, `    as: ${yamlText(mask)}`] : []),
    ];
  });
}

function inOrder(a: Draft, b: Draft): number {
  const place = ({ kind, word }: Draft): number =>
    kind === 'functions' ? 100 : ACCESS_VERBS.indexOf(word as AccessVerb) + (kind === 'statements' ? 50 : 0);
  return place(a) - place(b) || (a.on < b.on ? -1 : 1);
}

const oneLine = (text: string): string => text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, ' ');

/** Words that YAML reads as something else than text. */
const NOT_TEXT = /^(true|false|null|yes|no|on|off|y|n)$/i;

function yamlText(text: string): string {
  if (/^[a-z_][a-z0-9_.$-]*$/i.test(text) && !NOT_TEXT.test(text)) return text;
  return `'${oneLine(text).replaceAll("'", "''")}'`;
}
