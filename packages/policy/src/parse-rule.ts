import {
  type ApprovalTerms,
  DETECTOR_KINDS,
  type DetectorKind,
  MASK_NAMES,
  type MaskName,
  STATEMENT_CLASSES,
  type StatementClass,
} from '@taskgate/core';
import { parseFunctionPattern } from './function-pattern.ts';
import {
  type ColumnPattern,
  isSystemSchema,
  type NamePattern,
  parseColumnPattern,
  parseNamePattern,
  parseRelationPattern,
  type RelationPattern,
} from './name-pattern.ts';
import {
  type AccessTarget,
  type AllowRule,
  type ClassifyRule,
  type DenyRule,
  type FunctionsTarget,
  type HoldRule,
  type MaskRule,
  RULE_VERBS,
  type RuleSource,
  type RuleTarget,
  type RuleVerb,
  type StatementsTarget,
} from './policy-document.ts';
import { clip, type Fields, type Place, type YamlSource } from './yaml-source.ts';

export type RuleList = 'allow' | 'hold' | 'deny';

const MINUTE = 60_000;
const DAY = 86_400_000;
const DEFAULT_HOLD_TIMEOUT_MS = 10 * MINUTE;
const COLUMN_VERBS: readonly RuleVerb[] = ['select', 'insert', 'update'];
/** Writes whose rows the server counts. */
const COUNTED_VERBS: readonly RuleVerb[] = ['insert', 'update', 'delete'];
/** Classes that reach relations: those for which `on` says something. */
const RELATION_CLASSES: readonly StatementClass[] = [
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'truncate',
  'copy-to',
  'copy-from',
  'create',
  'alter',
  'drop',
  'grant',
  'comment',
  'maintenance',
  'lock',
];
const TARGET_KEYS = [...RULE_VERBS, 'statements', 'functions'] as const;

export const DEFAULT_DETECTOR_MASKS: Readonly<Record<DetectorKind, MaskName>> = {
  'card-number': 'last4',
  email: 'email',
  ssn: 'redact',
  'private-key': 'redact',
  secret: 'redact',
};

const sourceOf = (yaml: YamlSource, place: Place): RuleSource => ({
  path: place.path,
  line: yaml.position(place).line,
});

/** Non-empty texts, each parsed; an empty list is a problem, since a rule about nothing is a mistake. */
function patterns<T>(
  yaml: YamlSource,
  place: Place,
  parse: (text: string) => { readonly ok: true; readonly pattern: T } | { readonly ok: false; readonly why: string },
): readonly T[] | undefined {
  if (yaml.isEmptyList(place))
    return yaml.problem(
      place,
      `\`${place.path}\` is empty, so the rule is about nothing; name something or remove the rule`,
    );
  const texts = yaml.texts(place, 400);
  if (texts === undefined) return undefined;
  const found: T[] = [];
  for (const { text, place: at } of texts) {
    const parsed = parse(text);
    if (parsed.ok) found.push(parsed.pattern);
    else yaml.problem(at, parsed.why);
  }
  return found;
}

function relations(yaml: YamlSource, place: Place, list: RuleList): readonly RelationPattern[] | undefined {
  return patterns(yaml, place, (text) => {
    const parsed = parseRelationPattern(text, 'relation');
    if (parsed.ok && list !== 'deny' && parsed.pattern.schema.exact && isSystemSchema(parsed.pattern.schema.text))
      return {
        ok: false,
        why: `\`${clip(text)}\` is a system relation; which of those may be read is not a task's to say`,
      };
    return parsed;
  });
}

function columns(yaml: YamlSource, place: Place): readonly NamePattern[] | null | undefined {
  const found = patterns(yaml, place, parseNamePattern);
  return found?.some((pattern) => !pattern.exact && pattern.text === '*') ? null : found;
}

function statements(yaml: YamlSource, fields: Fields, place: Place, list: RuleList): StatementsTarget | undefined {
  const texts = yaml.texts(place);
  if (texts === undefined) return undefined;
  let classes: StatementClass[] | '*' = [];
  for (const { text, place: at } of texts) {
    if (text === '*') classes = '*';
    else {
      const one = yaml.choice(at, STATEMENT_CLASSES);
      if (one === 'other' && list !== 'deny')
        yaml.problem(at, "`other` stands for statements of no known class; only `statements: '*'` opens those");
      if (one !== undefined && classes !== '*') classes.push(one);
    }
  }
  if (yaml.isEmptyList(place))
    yaml.problem(place, `\`${place.path}\` is empty, so the rule is about nothing; name a class or remove the rule`);
  const onPlace = fields.get('on');
  const on = onPlace ? (relations(yaml, onPlace, list) ?? []) : null;
  if (onPlace && classes !== '*') {
    const without = classes.filter((one) => !RELATION_CLASSES.includes(one));
    if (without.length > 0)
      yaml.problem(
        onPlace,
        `\`on\` says nothing about \`${without.join('`, `')}\`, which reach no relation; put them in a rule of their own`,
      );
  }
  return { kind: 'statements', classes, on };
}

/** What a rule is about, from the one key that says so. */
function target(yaml: YamlSource, fields: Fields, list: RuleList): RuleTarget | undefined {
  const named = TARGET_KEYS.filter((key) => fields.get(key));
  const key = named[0];
  if (key === undefined)
    return yaml.problem(
      fields.place,
      `the rule does not say what it is about; add one of ${TARGET_KEYS.map((one) => `\`${one}\``).join(', ')}`,
    );
  if (named.length > 1)
    return yaml.problem(fields.place, `the rule names \`${named.join('` and `')}\`; make a rule of each`);
  const place = fields.get(key)!;
  const columnsPlace = fields.get('columns');
  const onPlace = fields.get('on');
  if (onPlace && key !== 'statements')
    yaml.problem(onPlace, `\`on\` goes with \`statements\`; \`${key}\` names its relations itself`);
  if (columnsPlace && !(COLUMN_VERBS as readonly string[]).includes(key))
    yaml.problem(columnsPlace, `\`columns\` goes with \`select\`, \`insert\` or \`update\`, not with \`${key}\``);

  if (key === 'statements') return statements(yaml, fields, place, list);
  if (key === 'functions') {
    if (list === 'hold')
      return yaml.problem(place, 'functions cannot be held; allow or deny them, or hold the statements that call them');
    const functions = patterns(yaml, place, (text) =>
      text === '*'
        ? { ok: false as const, why: 'name functions one by one or by schema, such as `public.*`' }
        : parseFunctionPattern(text),
    );
    return functions && ({ kind: 'functions', functions } satisfies FunctionsTarget);
  }
  const found = relations(yaml, place, list);
  const columnList = columnsPlace ? columns(yaml, columnsPlace) : null;
  if (found === undefined || columnList === undefined) return undefined;
  return { kind: 'access', verb: key, relations: found, columns: columnList } satisfies AccessTarget;
}

function affects(yaml: YamlSource, fields: Fields, about: RuleTarget | undefined): number | null {
  const place = fields.get('affects');
  if (!place) return null;
  if (about?.kind === 'functions' || (about?.kind === 'access' && !COUNTED_VERBS.includes(about.verb)))
    yaml.problem(place, '`affects` counts the rows of `insert`, `update` or `delete`; nothing else has any');
  const inner = yaml.mapping(place, ['max']);
  const max = inner && yaml.required(inner, 'max');
  return (max && yaml.integer(max, 1, 1_000_000_000)) ?? null;
}

/** Statements of which the target can say what it expects. */
const PLANNED: readonly string[] = ['select', 'insert', 'update', 'delete', 'merge'];

function estimate(
  yaml: YamlSource,
  fields: Fields,
  about: RuleTarget | undefined,
  key: 'max' | 'above',
): number | null {
  const place = fields.get('estimate');
  if (!place) return null;
  const planned =
    about === undefined ||
    (about.kind === 'access' && PLANNED.includes(about.verb)) ||
    (about.kind === 'statements' && (about.classes === '*' || about.classes.every((one) => PLANNED.includes(one))));
  if (!planned) yaml.problem(place, `\`estimate\` is about statements that are planned: \`${PLANNED.join('`, `')}\``);
  const inner = yaml.mapping(place, [key]);
  const rows = inner && yaml.required(inner, key);
  return (rows && yaml.integer(rows, 1, 1_000_000_000_000)) ?? null;
}

/** Who must say yes: `{ from: [groups], count, timeout }`. */
export const APPROVAL_KEYS = ['from', 'count', 'timeout', 'step-up'] as const;

export function parseApprovals(yaml: YamlSource, place: Place, defaultTimeoutMs: number): ApprovalTerms | undefined {
  const fields = yaml.mapping(place, APPROVAL_KEYS);
  if (!fields) return undefined;
  const fromPlace = yaml.required(fields, 'from');
  const from = fromPlace && yaml.texts(fromPlace, 100)?.map(({ text }) => text);
  if (fromPlace && yaml.isEmptyList(fromPlace))
    yaml.problem(fromPlace, '`from` is empty, so nobody could approve; name a group');
  const countPlace = fields.get('count');
  const timeoutPlace = fields.get('timeout');
  const stepUpPlace = fields.get('step-up');
  const stepUp = stepUpPlace ? yaml.boolean(stepUpPlace) : false;
  const count = countPlace ? yaml.integer(countPlace, 1, 20) : 1;
  const timeoutMs = timeoutPlace ? yaml.durationMs(timeoutPlace, 1000, 7 * DAY, '1s to 7d') : defaultTimeoutMs;
  if (from === undefined || from.length === 0 || count === undefined || timeoutMs === undefined || stepUp === undefined)
    return undefined;
  return {
    from: [...new Set(from)],
    count,
    timeoutMs,
    ...(timeoutPlace ? { explicitTimeout: true } : {}),
    ...(stepUp ? { stepUp } : {}),
  };
}

export function parseAllowRule(yaml: YamlSource, place: Place): AllowRule | undefined {
  const fields = yaml.mapping(place, [...TARGET_KEYS, 'columns', 'on', 'affects', 'estimate']);
  if (!fields) return undefined;
  const about = target(yaml, fields, 'allow');
  const affectsMax = affects(yaml, fields, about);
  const estimateMax = estimate(yaml, fields, about, 'max');
  return (
    about && {
      source: sourceOf(yaml, place),
      target: about,
      affectsMax,
      ...(estimateMax === null ? {} : { estimateMax }),
    }
  );
}

export function parsePolicyHoldRule(yaml: YamlSource, place: Place): HoldRule | undefined {
  const dryRun = yaml.mapping(place, null)?.get('dryRun');
  if (dryRun)
    yaml.problem(dryRun, '`dryRun` runs the statement before it is approved; only a task can say so for itself');
  return parseHoldRule(yaml, place);
}

export function parseHoldRule(yaml: YamlSource, place: Place): HoldRule | undefined {
  const fields = yaml.mapping(place, [...TARGET_KEYS, 'columns', 'on', 'affects', 'estimate', 'approvals', 'dryRun']);
  if (!fields) return undefined;
  const about = target(yaml, fields, 'hold');
  const affectsMax = affects(yaml, fields, about);
  const approvalsPlace = yaml.required(fields, 'approvals');
  const approvals = approvalsPlace && parseApprovals(yaml, approvalsPlace, DEFAULT_HOLD_TIMEOUT_MS);
  const estimateAbove = estimate(yaml, fields, about, 'above');
  const dryRunPlace = fields.get('dryRun');
  const dryRun = dryRunPlace && yaml.boolean(dryRunPlace) === true;
  if (!about || about.kind === 'functions' || !approvals) return undefined;
  return {
    source: sourceOf(yaml, place),
    target: about,
    affectsMax,
    approvals,
    ...(estimateAbove === null ? {} : { estimateAbove }),
    ...(dryRun === true ? { dryRun } : {}),
  };
}

export function parseDenyRule(yaml: YamlSource, place: Place): DenyRule | undefined {
  const fields = yaml.mapping(place, [...TARGET_KEYS, 'columns', 'on', 'estimate']);
  if (!fields) return undefined;
  const about = target(yaml, fields, 'deny');
  const estimateAbove = estimate(yaml, fields, about, 'above');
  return (
    about && { source: sourceOf(yaml, place), target: about, ...(estimateAbove === null ? {} : { estimateAbove }) }
  );
}

const CLASS_NAME = /^[a-z][a-z0-9-]{0,62}$/;

function className(yaml: YamlSource, place: Place): string | undefined {
  const text = yaml.text(place);
  if (text === undefined || CLASS_NAME.test(text)) return text;
  return yaml.problem(place, `\`${clip(text)}\` is not a class name; use lower-case letters, digits and \`-\``);
}

const columnPatterns = (yaml: YamlSource, place: Place): readonly ColumnPattern[] | undefined =>
  patterns(yaml, place, parseColumnPattern);

export function parseMaskRule(yaml: YamlSource, place: Place): MaskRule | undefined {
  const fields = yaml.mapping(place, ['columns', 'class', 'kinds', 'as']);
  if (!fields) return undefined;
  const named = ['columns', 'class', 'kinds'].filter((key) => fields.get(key));
  if (named.length !== 1)
    return yaml.problem(place, 'a mask names exactly one of `columns`, `class` and `kinds`; make a mask of each');
  const source = sourceOf(yaml, place);
  const kindsPlace = fields.get('kinds');
  const asPlace = kindsPlace ? fields.get('as') : yaml.required(fields, 'as');
  const mask = asPlace && yaml.choice(asPlace, MASK_NAMES);
  if (kindsPlace) {
    const kinds = yaml.texts(kindsPlace);
    if (yaml.isEmptyList(kindsPlace))
      yaml.problem(kindsPlace, '`kinds` is empty, so the mask is about nothing; name a kind');
    const found = kinds?.flatMap(({ place: at }) => yaml.choice(at, DETECTOR_KINDS) ?? []) ?? [];
    return {
      kind: 'kinds',
      source,
      kinds: found.map((kind) => ({ kind, mask: mask ?? DEFAULT_DETECTOR_MASKS[kind] })),
    };
  }
  const classPlace = fields.get('class');
  if (classPlace) {
    const name = className(yaml, classPlace);
    return name !== undefined && mask ? { kind: 'class', source, class: name, mask } : undefined;
  }
  const found = columnPatterns(yaml, fields.get('columns')!);
  return found && mask ? { kind: 'columns', source, columns: found, mask } : undefined;
}

export function parseClassifyRule(yaml: YamlSource, place: Place): ClassifyRule | undefined {
  const fields = yaml.mapping(place, ['columns', 'as']);
  if (!fields) return undefined;
  const columnsPlace = yaml.required(fields, 'columns');
  const asPlace = yaml.required(fields, 'as');
  const found = columnsPlace && columnPatterns(yaml, columnsPlace);
  const name = asPlace && className(yaml, asPlace);
  return found && name !== undefined ? { source: sourceOf(yaml, place), columns: found, class: name } : undefined;
}
