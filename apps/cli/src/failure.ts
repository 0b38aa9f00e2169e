import { ORPCError } from '@orpc/client';
import type { ErrorCode, Problem } from '@taskgate/core';

/** The command was written wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could not be done; `lines` are printed as they are: exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[] = [`taskgate: ${message}`]) {
    super(message);
    this.lines = lines;
  }
}

export interface ProblemBody {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly problems: readonly Problem[];
}

/** The problem details (RFC 9457) that the API answered with; `null` for every other error. */
export function problemOf(error: unknown): ProblemBody | null {
  if (!(error instanceof ORPCError)) return null;
  const data = error.data as Partial<ProblemBody> | undefined;
  if (typeof data?.code !== 'string' || typeof data.detail !== 'string') return null;
  return { code: data.code, detail: data.detail, problems: Array.isArray(data.problems) ? data.problems : [] };
}

const NEXT: Partial<Record<ErrorCode, string>> = {
  'not-signed-in': 'sign in with `taskgate login`',
  'rate-limited': 'wait a little and try again',
  'store-unavailable': 'try again in a moment',
};

/** What a person reads for whatever was thrown: what is wrong and what to do next, never a stack. */
export function describeFailure(error: unknown): { readonly lines: readonly string[]; readonly code: 1 | 2 } {
  if (error instanceof UsageError) return { lines: [`taskgate: ${error.message}`], code: 2 };
  if (error instanceof Failure) return { lines: error.lines, code: 1 };
  if (isParseArgsError(error)) return { lines: [`taskgate: ${firstSentence(error.message)}`], code: 2 };
  const problem = problemOf(error);
  if (problem !== null) {
    const next = NEXT[problem.code];
    const more = problem.problems
      .filter(({ message }) => !problem.detail.includes(message))
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
      .slice(0, 5);
    const what = more.length > 0 ? `${problem.detail} (${more.join('; ')})` : problem.detail;
    return { lines: [`taskgate: ${what}${next && !what.includes('taskgate login') ? `; ${next}` : ''}`], code: 1 };
  }
  if (error instanceof ORPCError)
    return {
      lines: [`taskgate: the server answered ${error.status} and not as Taskgate does; check TASKGATE_URL`],
      code: 1,
    };
  return { lines: [`taskgate: ${error instanceof Error ? error.message : String(error)}`], code: 1 };
}

function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_');
}

/** Node adds advice on `--` that helps nobody here. */
function firstSentence(text: string): string {
  return (text.split('. ')[0] ?? text)
    .replace(/\.$/, '')
    .replaceAll("'", '`')
    .replace(/^./, (c) => c.toLowerCase());
}
