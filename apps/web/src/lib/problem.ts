import { ORPCError } from '@orpc/client';
import type { ErrorCode, Problem } from '@taskgate/core';

/** RFC 9457 problem details, as every error of the API has them. */
export interface ProblemView {
  code: ErrorCode | 'network';
  status: number;
  detail: string;
  problems: readonly Problem[];
}

function isProblemBody(
  value: unknown,
): value is { code: ErrorCode; status: number; detail: string; problems: Problem[] } {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'problems' in value;
}

/** What went wrong with a call, in words for the person; anything that is not an answer of the API is the network. */
export function problemOf(error: unknown): ProblemView {
  if (error instanceof ORPCError && isProblemBody(error.data)) {
    const { code, status, detail, problems } = error.data;
    return { code, status, detail, problems };
  }
  return {
    code: 'network',
    status: 0,
    detail: 'The server did not answer. Check that Taskgate is running and that you are connected.',
    problems: [],
  };
}

/** Errors by field path, for the controls; what belongs to no known field is for the head of the form. */
export function fieldErrors<Name extends string>(
  error: unknown,
  fields: readonly Name[],
): { byField: Partial<Record<Name, string>>; form: string | null } {
  if (!error) return { byField: {}, form: null };
  const problem = problemOf(error);
  const byField: Partial<Record<Name, string>> = {};
  const rest: string[] = [];
  for (const item of problem.problems) {
    const field = fields.find((name) => item.path === name || item.path.startsWith(`${name}.`));
    if (field) byField[field] ??= item.message;
    else rest.push(item.path === '' ? item.message : `${item.path}: ${item.message}`);
  }
  const placed = Object.keys(byField).length > 0;
  return { byField, form: rest.length > 0 ? rest.join('; ') : placed ? null : problem.detail };
}
