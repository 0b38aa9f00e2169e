import { type Problem, TaskgateError } from '@taskgate/core';

/** A problem with a top-level field of a document, at its line. */
export function fieldProblem(source: string, field: string, message: string): Problem {
  const lines = source.split('\n');
  const line = lines.findIndex((text) => text.startsWith(`${field}:`));
  return { path: field, message, position: line < 0 ? null : { line: line + 1, column: 1 } };
}

/** What is wrong with a document, as the one error a verb throws. */
export function documentRefused(problems: readonly Problem[]): TaskgateError {
  const first = problems[0];
  const where = first?.position ? `line ${first.position.line}: ` : '';
  return new TaskgateError('bad-input', `${where}${first?.message ?? 'the document is not valid'}`, { problems });
}
