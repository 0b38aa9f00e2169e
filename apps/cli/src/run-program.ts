import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Failure } from './failure.ts';

/**
 * Runs a program in this terminal, which is its own until it ends. Gives its exit code, or 128 and the number of the
 * signal that ended it.
 */
export async function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const ignore = (): void => undefined; // a Ctrl-C reaches the program itself, and is none of ours
  process.on('SIGINT', ignore);
  const child = spawn(program, args, { stdio: 'inherit', env });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Failure(`\`${program}\` could not be started (${error.code ?? error.message})`)),
      );
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    process.off('SIGINT', ignore);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, forward);
  }
}
