import { TaskgateError } from '@taskgate/core';
import { type AttenuationProblem, narrowTask } from '@taskgate/policy';
import { documentRefused } from '../tasks/document-problem.ts';

/** The parent's document as narrowed, proven to be within it. Throws `bad-input` or `wider-than-parent`. */
export function narrowDocument(parentSource: string, narrowing: Parameters<typeof narrowTask>[1]): string {
  const child = narrowTask(parentSource, narrowing);
  if (child.ok) return child.source;
  if (child.wider.length > 0) throw wider(child.wider);
  throw documentRefused(child.problems.map((problem) => ({ ...problem, path: `narrow.${problem.path}` })));
}

function wider(problems: readonly AttenuationProblem[]): TaskgateError {
  const first = problems[0];
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new TaskgateError(
    'wider-than-parent',
    `a grant is never wider than the one above it: ${first === undefined ? 'it is' : first.message}${more}`,
    {
      problems: problems.map(({ dimension, message, rule }) => ({
        path: rule === null ? 'narrow' : `narrow.${rule.path}`,
        message: `${dimension}: ${message}`,
        position: null,
      })),
    },
  );
}
