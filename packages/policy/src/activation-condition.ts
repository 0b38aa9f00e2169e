import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import type { IdentityKind } from '@taskgate/core';

/** What a `when` can look at. Times are UTC; `weekday` counts from 0, Sunday. */
export interface ConditionInput {
  readonly epochMs: number;
  readonly identity: {
    readonly kind: IdentityKind;
    readonly name: string;
    readonly email: string;
    readonly groups: readonly string[];
  };
}

const environment = new Environment({
  limits: { maxAstNodes: 200, maxDepth: 20, maxListElements: 100, maxMapEntries: 20, maxCallArguments: 8 },
})
  .registerVariable({ name: 'now', schema: { hour: 'int', minute: 'int', weekday: 'int' } })
  .registerVariable({
    name: 'identity',
    schema: { kind: 'string', name: 'string', email: 'string', groups: 'list<string>' },
  });

/** What is wrong with the expression, or `null`. */
export function checkCondition(expression: string): string | null {
  try {
    const result = environment.check(expression);
    if (!result.valid) return `the condition is not valid CEL: ${firstLine(result.error?.message)}`;
    if (calls(environment.parse(expression).ast, 'matches'))
      return 'the condition may not use `matches`; compare whole values, or use `startsWith` and `endsWith`';
    if (result.type !== 'bool') return `the condition gives \`${result.type}\`, not true or false`;
    return null;
  } catch (error) {
    return `the condition is not valid CEL: ${firstLine(error instanceof Error ? error.message : undefined)}`;
  }
}

/** A regular expression can take exponential time, and this runs in the process that serves everybody. */
function calls(part: unknown, name: string): boolean {
  if (Array.isArray(part)) return part.some((one) => calls(one, name));
  if (typeof part !== 'object' || part === null || !('op' in part)) return false;
  const { op, args } = part as ASTNode;
  return ((op === 'call' || op === 'rcall') && args[0] === name) || calls(args, name);
}

/** True only if the expression gives true; one that fails says so. */
export function evaluateCondition(expression: string, input: ConditionInput): 'true' | 'false' | 'failed' {
  try {
    const at = new Date(input.epochMs);
    const value: unknown = environment.parse(expression)({
      now: {
        hour: BigInt(at.getUTCHours()),
        minute: BigInt(at.getUTCMinutes()),
        weekday: BigInt(at.getUTCDay()),
      },
      identity: {
        kind: input.identity.kind,
        name: input.identity.name,
        email: input.identity.email,
        groups: [...input.identity.groups],
      },
    });
    return value === true ? 'true' : value === false ? 'false' : 'failed';
  } catch {
    return 'failed';
  }
}

/** Whether the condition has all that the other demands among what it joins with `&&`: true only where that is. */
export function includesCondition(condition: string | null, other: string): boolean {
  if (condition === null) return false;
  try {
    const own = conjuncts(condition);
    return [...conjuncts(other)].every((one) => own.has(one));
  } catch {
    return false;
  }
}

/** What an expression joins with `&&` at its top, each in a form that spaces and parentheses do not change. */
function conjuncts(expression: string): ReadonlySet<string> {
  const parts = (node: ASTNode): readonly ASTNode[] => (node.op === '&&' ? node.args.flatMap(parts) : [node]);
  return new Set(parts(environment.parse(expression).ast).map((node) => JSON.stringify(plain(node))));
}

function plain(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(plain);
  if (typeof part === 'bigint') return { int: part.toString() };
  if (typeof part !== 'object' || part === null) return part;
  if ('op' in part) return { op: part.op, args: plain((part as ASTNode).args) };
  return { is: Object.prototype.toString.call(part), text: String(part) };
}

function firstLine(message: string | undefined): string {
  const text = (message ?? 'it cannot be read').split('\n')[0]!.slice(0, 200);
  return text.charAt(0).toLowerCase() + text.slice(1);
}
