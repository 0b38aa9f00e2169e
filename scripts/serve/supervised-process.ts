import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { lastLines, rotateLog } from './log-file.ts';
import { type ProcessRegister, signalGroup } from './process-register.ts';

const SHOWN_LINES = 15;

export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles once it is gone, with how it ended. */
  readonly exited: Promise<string>;
  /** What it wrote last. */
  lastWords(): readonly string[];
  readonly logFile: string;
  /** SIGTERM, then SIGKILL to its whole group after the deadline. */
  stop(deadlineMs: number): Promise<void>;
  /** SIGKILL to its whole group, at once. */
  kill(): void;
}

/** Starts a program in a process group of its own, its output in `<logs>/<name>.log`. */
export function startProcess(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logs: string;
  readonly register: ProcessRegister;
}): SupervisedProcess {
  const logFile = rotateLog(options.logs, options.name);
  const output = openSync(logFile, 'a');
  // Straight to the file: nothing is lost when the supervisor is slow or killed. Its own group: a Ctrl-C in the
  // terminal must reach the supervisor alone, which stops its children in order.
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', output, output],
    detached: true,
  });
  closeSync(output);
  const pid = child.pid ?? 0;
  if (pid > 0) options.register.add(options.name, pid);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : signal); // first: the register's folder may be gone
      options.register.remove(pid);
    });
  });
  const kill = (): void => {
    if (pid > 0) signalGroup(pid, 'SIGKILL');
  };
  return {
    name: options.name,
    pid,
    exited,
    logFile,
    lastWords: () => lastLines(logFile, SHOWN_LINES),
    kill,
    stop: async (deadlineMs) => {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, deadlineMs);
      await exited;
      clearTimeout(timer);
      kill(); // helpers that outlived it
    },
  };
}
