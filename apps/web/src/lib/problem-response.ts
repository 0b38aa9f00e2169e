import 'server-only';
import { ORPCError } from '@orpc/server';
import { ERROR_CODES, type ErrorCode, type Problem, TaskgateError } from '@taskgate/core';
import { log } from './services.ts';

const STATUS: Record<ErrorCode, number> = {
  'bad-input': 400,
  'not-signed-in': 401,
  'wrong-password': 401,
  'wrong-token': 401,
  'wrong-passkey': 401,
  'step-up-required': 403,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'invalid-state': 409,
  'wider-than-parent': 422,
  'grant-expired': 410,
  'grant-ended': 410,
  'too-large': 413,
  'rate-limited': 429,
  'not-supported': 501,
  'resource-unreachable': 502,
  'credential-refused': 502,
  'principal-unavailable': 502,
  'store-unavailable': 503,
  'record-unavailable': 503,
  internal: 500,
};
const TITLES: Record<ErrorCode, string> = Object.fromEntries(
  ERROR_CODES.map((code) => [code, code.replaceAll('-', ' ')]),
) as Record<ErrorCode, string>;

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  problems: readonly Problem[];
}

const body = (code: ErrorCode, detail: string, problems: readonly Problem[] = []): ProblemBody => ({
  type: `about:blank#${code}`,
  title: TITLES[code],
  status: STATUS[code],
  detail,
  code,
  problems,
});

function schemaProblems(data: unknown): Problem[] {
  const issues = (data as { issues?: { path?: (PropertyKey | { key: PropertyKey })[]; message: string }[] })?.issues;
  if (!Array.isArray(issues)) return [];
  return issues.slice(0, 50).map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message: issue.message.replace(/^./, (first) => first.toLowerCase()),
    position: null,
  }));
}

/** The problem details of whatever was thrown. What is not ours is `internal`: logged under an id, its text kept back. */
export function toProblem(error: unknown): ProblemBody {
  if (error instanceof TaskgateError) return body(error.code, error.message, error.problems);
  if (error instanceof ORPCError) {
    if (error.cause instanceof TaskgateError) return toProblem(error.cause);
    if (error.status === 400) {
      const problems = schemaProblems(error.data);
      const first = problems[0];
      return body(
        'bad-input',
        first
          ? `${first.path === '' ? 'the input' : `\`${first.path}\``} is not valid: ${first.message}`
          : 'the request cannot be read',
        problems,
      );
    }
  }
  const id = crypto.randomUUID();
  const cause = error instanceof ORPCError && error.cause !== undefined ? error.cause : error;
  log.error('a call failed', { id, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
  return body('internal', `something went wrong here; the server's log has it under \`${id}\``);
}

export function problemResponse(error: unknown): Response {
  const problem = toProblem(error);
  return Response.json(problem, {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}
