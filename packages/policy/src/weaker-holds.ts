import { ACCESS_VERBS, type ApprovalTerms, formatDurationMs } from '@taskgate/core';
import type { AttenuationProblem } from './attenuation.ts';
import { barInWords } from './bar-in-words.ts';
import { type OpeningOfRule, openingsOfTask, waysTo } from './child-reach.ts';
import { above } from './dropped-denies.ts';
import { ANY_NAME, formatRelationPattern } from './name-pattern.ts';
import type { HoldRule, TaskDocument } from './policy-document.ts';
import { type Bar, bars, barsOf } from './rule-atoms.ts';

/** How long a hold without a timeout of its own waits inside an open transaction. */
const IN_TRANSACTION_MS = 60_000;

const inTransactionMs = ({ timeoutMs, explicitTimeout }: ApprovalTerms): number =>
  explicitTimeout === true ? timeoutMs : Math.min(timeoutMs, IN_TRANSACTION_MS);

/** How the terms are easier to meet than the parent's; `null`: they are not. */
export function easierTerms(parent: ApprovalTerms, child: ApprovalTerms): string | null {
  const more = child.from.filter((group) => !parent.from.includes(group));
  if (more.length > 0)
    return `${more.map((group) => `\`${group}\``).join(', ')} may approve, who may not in the parent`;
  if (child.from.length === 0) return 'nobody is named who approves';
  if (child.count < parent.count)
    return `${child.count} ${child.count === 1 ? 'approval is' : 'approvals are'} enough, in the parent ${parent.count}`;
  if (parent.stepUp === true && child.stepUp !== true) return 'approvals are not signed, in the parent they are';
  if (child.timeoutMs > parent.timeoutMs)
    return `it waits ${formatDurationMs(child.timeoutMs)}, in the parent ${formatDurationMs(parent.timeoutMs)}`;
  return null;
}

/** How the child's rule holds less than the parent's where both are about the same; `null`: it does not. */
function weaker(parent: HoldRule, child: HoldRule): string | null {
  if (above(child) > above(parent))
    return `it is held above ${above(child)} rows that the planner expects, in the parent ${above(parent) < 0 ? 'always' : `above ${above(parent)}`}`;
  if (parent.dryRun === true && child.dryRun !== true) return 'it has no `dryRun`, which the parent has';
  const [most, own] = [inTransactionMs(parent.approvals), inTransactionMs(child.approvals)];
  return (
    easierTerms(parent.approvals, child.approvals) ??
    (own > most
      ? `inside a transaction it waits ${formatDurationMs(own)}, in the parent ${formatDurationMs(most)}`
      : null)
  );
}

/** What the parent holds and the child would let through, or on easier terms. */
export function weakerHolds(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  return [
    ...parent.hold.flatMap((rule) => weakerHold(rule, child)),
    ...child.hold.flatMap((rule) => addedDryRun(rule, parent)),
  ];
}

function weakerHold(rule: HoldRule, child: TaskDocument): readonly AttenuationProblem[] {
  const strict = child.hold.filter((one) => weaker(rule, one) === null);
  const isHeld = (bar: Bar): boolean => strict.some(({ target }) => bars(target, bar, 'hold'));
  const isDenied = (bar: Bar): boolean =>
    child.deny.some(
      (one) => one.target.kind !== 'functions' && above(one) <= above(rule) && bars(one.target, bar, 'deny'),
    );
  const open = openingsOfTask(child).filter(
    ({ verb, relation, column }) => !isHeld({ kind: 'access', verb, relation, column }),
  );
  /** By what a statement could get past the bar; `'bare'`: without any relation. */
  const wayPast = (bar: Bar): OpeningOfRule | 'bare' | null => {
    if (isHeld(bar) || isDenied(bar)) return null;
    const isWay = waysTo(bar, child);
    if (isWay === null) return 'bare';
    const way = open.find(({ verb }) => isWay(verb));
    const parts = withinVerbs(bar);
    const isHeldInParts = parts.length > 0 && parts.every((one) => wayPast(one) === null);
    return way === undefined || isHeldInParts ? null : way;
  };
  const seen = new Set<string>();
  return barsOf(rule.target, true).flatMap((bar): readonly AttenuationProblem[] => {
    const way = wayPast(bar);
    const about = bar.kind === 'access' ? `${bar.verb} ${formatRelationPattern(bar.relation)}` : barInWords(bar);
    if (way === null || seen.has(about)) return [];
    seen.add(about);
    const what = barInWords(bar);
    const same = child.hold.find(({ target }) => bars(target, bar, 'hold'));
    if (same !== undefined)
      return [
        { dimension: 'hold', message: `${what} is held on easier terms: ${weaker(rule, same)}`, rule: same.source },
      ];
    const by =
      way === 'bare' ? '' : `, whose \`${way.verb}\` on \`${formatRelationPattern(way.relation)}\` may come to that`;
    return [
      {
        dimension: 'hold',
        message: `the parent holds ${what} for approval (\`${rule.source.path}\`), not so the child${by}; hold it as the parent does, or deny it`,
        rule: way === 'bare' ? null : way.source,
      },
    ];
  });
}

/** A class on a relation is about every verb there: all of them together say at least as much. Empty: nothing is. */
function withinVerbs(bar: Bar): readonly Bar[] {
  if (bar.kind === 'access' || bar.on === null) return [];
  const { on: relation } = bar;
  return ACCESS_VERBS.flatMap((verb) =>
    [null, ANY_NAME].map((column) => ({ kind: 'access' as const, verb, relation, column })),
  );
}

/** A dry run runs the statement before anybody has approved it: only where the parent does. */
function addedDryRun(rule: HoldRule, parent: TaskDocument): readonly AttenuationProblem[] {
  if (rule.dryRun !== true) return [];
  const known = parent.hold.filter((one) => one.dryRun === true && above(one) <= above(rule));
  return barsOf(rule.target, true).every((bar) => known.some(({ target }) => bars(target, bar, 'hold')))
    ? []
    : [
        {
          dimension: 'hold',
          message: '`dryRun` runs the statement before it is approved, which the parent does not',
          rule: rule.source,
        },
      ];
}
