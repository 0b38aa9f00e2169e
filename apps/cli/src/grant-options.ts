import { parseDurationMs } from '@taskgate/core';
import { UsageError } from './failure.ts';

/** Options of every command that asks for a grant. */
export const GRANT_OPTIONS = {
  reason: { type: 'string' },
  ticket: { type: 'string' },
  ttl: { type: 'string' },
  wait: { type: 'boolean', default: true },
} as const;

export interface GrantRequest {
  readonly task: string;
  readonly reason: string | null;
  readonly ticket: string | null;
  /** Milliseconds; `null`: the task's own. */
  readonly ttlMs: number | null;
}

/** What is asked for, from the parsed options. */
export function grantRequest(
  task: string,
  values: {
    readonly reason?: string | undefined;
    readonly ticket?: string | undefined;
    readonly ttl?: string | undefined;
  },
): GrantRequest {
  const ttlMs = values.ttl === undefined ? null : parseDurationMs(values.ttl);
  if (values.ttl !== undefined && ttlMs === null)
    throw new UsageError(`\`${values.ttl}\` is not a time; write it as \`30m\`, \`2h\` or \`90s\``);
  return { task, reason: values.reason ?? null, ticket: values.ticket ?? null, ttlMs };
}
