import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type CommandResult, findClientProgram, psqlPath, runCommand, waitUntil } from '@taskgate/testkit';
import { describe } from 'vitest';
import type { OpenGrant } from './api.ts';

/** Tests that need the real psql; skipped, and counted so, where it is not installed. */
export const describeWithPsql = describe.skipIf(findClientProgram('psql') === null);

export interface PsqlOptions {
  /** Statements, each as one -c: one simple query message each. */
  readonly sql?: readonly string[];
  /** On its standard input, as a person types it. */
  readonly input?: string;
  readonly args?: readonly string[];
  readonly token?: string;
  /** More of the connection string, such as `sslmode=require`. */
  readonly connection?: string;
  readonly database?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

function commandOf(grant: OpenGrant, options: PsqlOptions): { args: string[]; env: Record<string, string> } {
  const { host, port, user, database } = grant.connect;
  const connection = `host=${host} port=${port} user=${user} dbname=${options.database ?? database} ${options.connection ?? ''}`;
  return {
    args: [
      ...['-X', '-A', '-t', '-v', 'VERBOSITY=verbose'],
      ...(options.args ?? []),
      ...['-d', connection],
      ...(options.sql ?? []).flatMap((text) => ['-c', text]),
    ],
    env: { PGPASSWORD: options.token ?? grant.token, PGCONNECT_TIMEOUT: '10', ...options.env },
  };
}

/** Runs psql to its end. */
export async function psql(grant: OpenGrant, options: PsqlOptions): Promise<CommandResult> {
  const { args, env } = commandOf(grant, options);
  return runCommand(psqlPath(), args, {
    env,
    ...(options.input === undefined ? {} : { input: options.input }),
    timeoutMs: options.timeoutMs ?? 25_000,
  });
}

export interface RunningPsql {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Resolves when stderr holds `text`. */
  readonly says: (text: string) => Promise<unknown>;
}

/** Starts psql and leaves it running. */
export function startPsql(grant: OpenGrant, options: PsqlOptions): RunningPsql {
  const { args, env } = commandOf(grant, options);
  const child = spawn(psqlPath(), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    says: (text) => waitUntil(() => stderr.includes(text), 10_000, `psql saying \`${text}\``),
  };
}
