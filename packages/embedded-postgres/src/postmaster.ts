import { execFile } from 'node:child_process';
import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const POLL_MS = 15;

/** What a server writes about itself into `postmaster.pid` (line 1: pid, line 8: state; src/include/utils/pidfile.h). */
export interface PostmasterState {
  readonly pid: number;
  readonly ready: boolean;
}

export async function readPostmasterState(dataDirectory: string): Promise<PostmasterState | null> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n');
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10));
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : null;
}

/**
 * Leaves no server and no pid file on the data directory: a server that a dead supervisor left behind is stopped (fast),
 * and the pid file of one that was killed is removed, since its number may belong to an unrelated process by now.
 */
export async function clearPostmaster(
  dataDirectory: string,
  deadlineMs: number,
  log: (line: string) => void,
): Promise<void> {
  const state = await readPostmasterState(dataDirectory);
  if (state && (await isPostmasterOf(state.pid, dataDirectory))) {
    log(`a server is running on this data already (pid ${state.pid}): stopping it`);
    await stopProcess(state.pid, deadlineMs);
  }
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
}

/** SIGINT is Postgres's fast shutdown; SIGQUIT, after the deadline, its immediate one (recovery at the next start). */
export async function stopProcess(pid: number, deadlineMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', deadlineMs],
    ['SIGQUIT', 5000],
    ['SIGKILL', 5000],
  ] as const) {
    if (!send(pid, signal)) return;
    for (const until = performance.now() + waitMs; performance.now() < until; ) {
      if (!isAlive(pid)) return;
      await delay(POLL_MS);
    }
  }
}

export function isAlive(pid: number): boolean {
  return send(pid, 0);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A postmaster's working directory is its data directory; a reused pid's is not. */
async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const data = await realpath(dataDirectory);
  if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === data;
  const shown = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => null);
  return shown?.stdout.includes(data) ?? false;
}
