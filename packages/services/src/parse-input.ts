import { TaskgateError } from '@taskgate/core';
import type * as z from 'zod';

const MAX_PROBLEMS = 50;

/** The input in the schema's shape, defaults filled in. Throws `bad-input` with each problem's path; never repeats values. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, MAX_PROBLEMS).map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message.replace(/^./, (first) => first.toLowerCase()),
    position: null,
  }));
  const first = problems[0]!;
  const where = first.path === '' ? 'the input' : `\`${first.path}\``;
  throw new TaskgateError('bad-input', `${where} is not valid: ${first.message}`, { problems });
}

/** The input schema of a procedure of the contract, so that a verb takes exactly what the API says. */
export function inputOf<S extends z.ZodType>(procedure: {
  readonly '~orpc': { readonly inputSchema?: S | undefined };
}): S {
  const schema = procedure['~orpc'].inputSchema;
  if (!schema) throw new TypeError('this procedure of the contract takes no input');
  return schema;
}
