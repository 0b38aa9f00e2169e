import type { AccessVerb } from '@taskgate/core';
import type { AttenuationProblem } from './attenuation.ts';
import { barInWords } from './bar-in-words.ts';
import { type OpeningOfRule, openingsOfTask } from './child-reach.ts';
import { above } from './dropped-denies.ts';
import { formatRelationPattern } from './name-pattern.ts';
import type { TaskDocument } from './policy-document.ts';
import { type Bar, bars, barsOf, type Opening, openingsOf, opensAll } from './rule-atoms.ts';

const WRITES: readonly AccessVerb[] = ['insert', 'update', 'delete', 'truncate'];

/** Writes whose rows the parent limits, and the child does not or less. */
export function weakerAffects(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  const opened = openingsOfTask(child).filter(({ verb }) => WRITES.includes(verb));
  return [...parent.allow, ...parent.hold].flatMap((rule): readonly AttenuationProblem[] => {
    const { target, affectsMax: max } = rule;
    if (max === null || target.kind === 'functions') return [];
    const counting = [...child.allow, ...child.hold].filter(
      ({ affectsMax }) => affectsMax !== null && affectsMax <= max,
    );
    const countingHolds = child.hold.filter(({ affectsMax }) => affectsMax !== null && affectsMax <= max);
    const denying = child.deny.filter((one) => above(one) < 0);
    const isCounted = (opening: Opening): boolean =>
      counting.some((one) => one.target.kind !== 'functions' && opensAll(one.target, opening));
    const isDenied = (bar: Bar): boolean =>
      denying.some((one) => one.target.kind !== 'functions' && bars(one.target, bar, 'deny'));
    // Each name may be a view of what the rule is about, so what is open at all has to be counted.
    const uncounted = opened.filter((one) => !isCounted(one));
    const unlimited = (verbs: readonly AccessVerb[]): OpeningOfRule | undefined =>
      uncounted.find((one) => verbs.includes(one.verb));

    const problems: AttenuationProblem[] = [];
    const seen = new Set<string>();
    const check = (bar: Bar, verbs: readonly AccessVerb[], kept: boolean): void => {
      if (kept || isDenied(bar)) return;
      const open = unlimited(verbs);
      const what = barInWords(bar);
      const about = bar.kind === 'access' ? `${bar.verb} ${formatRelationPattern(bar.relation)}` : what;
      if (open === undefined || seen.has(about)) return;
      seen.add(about);
      const by = barInWords({ kind: 'access', verb: open.verb, relation: open.relation, column: open.column });
      problems.push({
        dimension: 'affects',
        message: `the parent lets ${what} touch at most ${max} ${max === 1 ? 'row' : 'rows'} (\`${rule.source.path}\`), the child's ${by}, which may come to that, has no such limit or a higher one`,
        rule: open.source,
      });
    };
    for (const opening of openingsOf(target)) {
      if (!WRITES.includes(opening.verb)) continue;
      for (const one of opening.column === null ? [opening] : [opening, { ...opening, column: null }])
        check(
          { kind: 'access', verb: one.verb, relation: one.relation, column: one.column },
          [one.verb],
          isCounted(one),
        );
    }
    // A hold is also about relations that share rows with those it names: only a hold of the child is too.
    if ('approvals' in rule)
      for (const bar of barsOf(rule.target, true))
        check(
          bar,
          verbsOf(bar),
          countingHolds.some((one) => bars(one.target, bar, 'hold')),
        );
    return problems;
  });
}

/** Writes by which a hold rule could come to count. */
function verbsOf(bar: Bar): readonly AccessVerb[] {
  if (bar.kind === 'access') return WRITES.filter((verb) => verb === bar.verb);
  if (bar.class === 'copy-from') return ['insert'];
  if (WRITES.includes(bar.class as AccessVerb)) return [bar.class as AccessVerb];
  return WRITES;
}
