import type { StatementClass } from '@taskgate/core';
import type { AttenuationProblem } from './attenuation.ts';
import { RULED_CLASSES } from './child-reach.ts';
import { type FunctionPattern, formatFunctionPattern } from './function-pattern.ts';
import { formatNamePattern, formatRelationPattern } from './name-pattern.ts';
import { includesFunction, includesRelation, namesOneFunction } from './pattern-inclusion.ts';
import type {
  AccessTarget,
  AllowRule,
  HoldRule,
  RuleTarget,
  StatementsTarget,
  TaskDocument,
} from './policy-document.ts';
import { classesOf, type Opening, openingsOf, opensAll, opensVerb } from './rule-atoms.ts';

const MAX_NAMED = 12;

interface Opener {
  readonly target: RuleTarget;
  /** It opens statements of which the planner expects at most so many rows. */
  readonly upTo: number;
}

/** A hold rule opens however many rows there are. */
const openersOf = ({ allow, hold }: TaskDocument): readonly Opener[] => [
  ...allow.map(({ target, estimateMax }) => ({ target, upTo: estimateMax ?? Number.POSITIVE_INFINITY })),
  ...hold.map(({ target }) => ({ target, upTo: Number.POSITIVE_INFINITY })),
];

/** What the child's rules open and the parent's do not. */
export function widerOpenings(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  const openers = openersOf(parent);
  return [...child.allow, ...child.hold].flatMap((rule) => widerRule(rule, openers));
}

function widerRule(rule: AllowRule | HoldRule, openers: readonly Opener[]): readonly AttenuationProblem[] {
  const { target, source } = rule;
  const upTo = ('estimateMax' in rule ? rule.estimateMax : null) ?? Number.POSITIVE_INFINITY;
  const known = openers.filter((opener) => opener.upTo >= upTo);
  const found = problemsOf(target, known);
  if (found.length === 0) return [];
  // What no rule opens at all is said first; a rule that opens it for fewer rows, where that is all that is missing.
  if (known.length < openers.length && problemsOf(target, openers).length === 0) {
    const most = Math.max(...openers.filter((opener) => opener.upTo < upTo).map((opener) => opener.upTo));
    const rows = Number.isFinite(upTo) ? `up to ${upTo} rows` : 'however many rows';
    return [
      {
        dimension: 'estimate',
        message: `${inWords(target)} is let through ${rows} that the planner expects, in the parent up to ${most}`,
        rule: source,
      },
    ];
  }
  return found.map((problem) => ({ ...problem, rule: source }));
}

type Found = Pick<AttenuationProblem, 'dimension' | 'message'>;

function problemsOf(target: RuleTarget, openers: readonly Opener[]): readonly Found[] {
  switch (target.kind) {
    case 'functions':
      return target.functions.flatMap((pattern) => widerFunction(pattern, openers));
    case 'access':
      return widerAccess(target, openers, `\`${target.verb}\``);
    case 'statements':
      return widerStatements(target, openers);
  }
}

function widerFunction(pattern: FunctionPattern, openers: readonly Opener[]): readonly Found[] {
  const name = formatFunctionPattern(pattern);
  const including = openers.flatMap(({ target }) =>
    target.kind === 'functions' ? target.functions.filter((outer) => includesFunction(outer, pattern)) : [],
  );
  // Only a rule with its very name opens a function that may change anything, so a name is more than a pattern with it.
  if (including.some((outer) => namesOneFunction(outer) || !namesOneFunction(pattern))) return [];
  const isBuiltin = pattern.schema.exact && pattern.schema.text === 'pg_catalog';
  if (isBuiltin && openers.some(({ target }) => isEverything(target))) return [];
  const why =
    including.length > 0
      ? `is named, where the parent has only the pattern \`${formatFunctionPattern(including[0]!)}\`, which opens less`
      : openers.some(({ target }) => isEverything(target))
        ? "is not in the parent: its `statements: '*'` does not open it where columns are masked"
        : 'is not in the parent';
  return [{ dimension: 'function', message: `function \`${name}\` ${why}` }];
}

const isEverything = (target: RuleTarget): boolean =>
  target.kind === 'statements' && target.classes === '*' && target.on === null;

/** For each relation, the columns that no rule of the parent opens. */
function widerAccess(
  target: AccessTarget | StatementsTarget,
  openers: readonly Opener[],
  what: string,
): readonly Found[] {
  const isOpen = (opening: Opening): boolean =>
    openers.some((opener) => opener.target.kind !== 'functions' && opensAll(opener.target, opening));
  const missing = new Map<string, Opening[]>();
  for (const opening of openingsOf(target)) {
    if (isOpen(opening)) continue;
    const relation = formatRelationPattern(opening.relation);
    missing.set(relation, [...(missing.get(relation) ?? []), opening]);
  }
  return [...missing].map(([relation, openings]): Found => {
    const named = openings.slice(0, MAX_NAMED).map(({ column }) => (column ? `\`${formatNamePattern(column)}\`` : ''));
    const isOpenInPart = openings.every((opening) => isOpen({ ...opening, column: null }));
    if (isOpenInPart && openings.every(({ column }) => column?.exact === false && column.text === '*'))
      return { dimension: 'column', message: `every column of \`${relation}\` is more than the parent's ${what} has` };
    if (isOpenInPart)
      return {
        dimension: 'column',
        message: `${named.length === 1 ? 'column' : 'columns'} ${named.join(', ')} of \`${relation}\` ${named.length === 1 ? 'is' : 'are'} not in the parent's ${what}`,
      };
    const isVerbOpen = openings.some(({ verb, within }) =>
      openers.some((opener) => opener.target.kind !== 'functions' && opensVerb(opener.target, verb, within)),
    );
    return isVerbOpen
      ? { dimension: 'relation', message: `\`${relation}\` is not in the parent's ${what}` }
      : {
          dimension: 'statement-class',
          message: `${what} on \`${relation}\` is not in the parent, which has no ${what}`,
        };
  });
}

function widerStatements(target: StatementsTarget, openers: readonly Opener[]): readonly Found[] {
  if (target.on !== null && target.on.length === 0) return [];
  if (isEverything(target))
    return openers.some((opener) => isEverything(opener.target))
      ? []
      : [{ dimension: 'statement-class', message: "`statements: '*'` is not in the parent" }];
  return classesOf(target).flatMap((one): readonly Found[] => {
    const part = { ...target, classes: [one] };
    const wider = widerAccess(part, openers, `\`${one}\``);
    if (wider.length > 0 || !RULED_CLASSES.includes(one)) return wider;
    return openers.some((opener) => opensClass(opener.target, one, target)) ? [] : [notOpened(one, target)];
  });
}

/**
 * Whether one rule opens the class wherever the other does: a statement may be about several relations, and no two
 * rules together open it.
 */
function opensClass(outer: RuleTarget, one: StatementClass, { on }: StatementsTarget): boolean {
  if (outer.kind !== 'statements' || (outer.classes !== '*' && !outer.classes.includes(one))) return false;
  if (outer.on === null) return true;
  return on?.every((relation) => outer.on!.some((pattern) => includesRelation(pattern, relation))) === true;
}

function notOpened(one: StatementClass, { on }: StatementsTarget): Found {
  return on === null
    ? { dimension: 'statement-class', message: `\`${one}\`, on whatever relation, is not in the parent` }
    : {
        dimension: 'relation',
        message: `\`${one}\` on ${on.map((relation) => `\`${formatRelationPattern(relation)}\``).join(', ')} is not in one rule of the parent`,
      };
}

function inWords(target: RuleTarget): string {
  switch (target.kind) {
    case 'access':
      return `\`${target.verb}\` on ${target.relations.map((one) => `\`${formatRelationPattern(one)}\``).join(', ')}`;
    case 'statements':
      return target.classes === '*' ? "`statements: '*'`" : target.classes.map((one) => `\`${one}\``).join(', ');
    case 'functions':
      return target.functions.map((one) => `\`${formatFunctionPattern(one)}\``).join(', ');
  }
}
