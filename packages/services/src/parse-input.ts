import { TaskgateError } from '@taskgate/core';
import type * as z from 'zod';

const MAX_PROBLEMS = 50;

/** The input in the schema's shape, defaults filled in. Throws `bad-input` with each problem's path; never repeats values. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const unstorable = findUnstorable(input, '', 0);
  if (unstorable !== null) {
    const message = 'text holds no NUL character and no half of a surrogate pair';
    throw new TaskgateError('bad-input', `\`${unstorable || 'input'}\` is not valid: ${message}`, {
      problems: [{ path: unstorable, message, position: null }],
    });
  }
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

const MAX_DEPTH = 20;

/** Path of the first text that Postgres would not take as it is (it would fail there, or become another text); `null`: none. */
function findUnstorable(value: unknown, path: string, depth: number): string | null {
  if (typeof value === 'string') return /\0|\p{Surrogate}/u.test(value) ? path : null;
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return null;
  for (const [name, item] of Object.entries(value)) {
    const inner = path === '' ? name : `${path}.${name}`;
    const found = findUnstorable(name, inner, depth) ?? findUnstorable(item, inner, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** The input schema of a procedure of the contract, so that a verb takes exactly what the API says. */
export function inputOf<S extends z.ZodType>(procedure: {
  readonly '~orpc': { readonly inputSchema?: S | undefined };
}): S {
  const schema = procedure['~orpc'].inputSchema;
  if (!schema) throw new TypeError('this procedure of the contract takes no input');
  return schema;
}
