import type { AttenuationProblem } from './attenuation.ts';
import { barInWords } from './bar-in-words.ts';
import { formatFunctionPattern } from './function-pattern.ts';
import { includesFunction } from './pattern-inclusion.ts';
import type { DenyRule, TaskDocument } from './policy-document.ts';
import { bars, barsOf } from './rule-atoms.ts';

/** Above how many rows it counts; less than none: always. */
export const above = ({ estimateAbove }: { readonly estimateAbove?: number | null }): number => estimateAbove ?? -1;

/** What the parent denies and the child does not. */
export function droppedDenies(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  return parent.deny.flatMap((rule) => {
    const kept = child.deny.filter((one) => above(one) <= above(rule));
    return missingOf(rule, kept).map((what) => ({
      dimension: 'deny' as const,
      message: `the parent denies ${what}${above(rule) < 0 ? '' : ` above ${above(rule)} rows`} (\`${rule.source.path}\`), the child does not; keep the rule`,
      rule: null,
    }));
  });
}

function missingOf({ target }: DenyRule, kept: readonly DenyRule[]): readonly string[] {
  const deniesAll = kept.some(
    (one) => one.target.kind === 'statements' && one.target.classes === '*' && one.target.on === null,
  );
  if (deniesAll) return [];
  if (target.kind === 'functions')
    return target.functions
      .filter(
        (pattern) =>
          !kept.some(
            (one) =>
              one.target.kind === 'functions' && one.target.functions.some((outer) => includesFunction(outer, pattern)),
          ),
      )
      .map((pattern) => `function \`${formatFunctionPattern(pattern)}\``);
  const missing = barsOf(target, false).filter(
    (bar) => !kept.some((one) => one.target.kind !== 'functions' && bars(one.target, bar, 'deny')),
  );
  return [...new Set(missing.map(barInWords))];
}
