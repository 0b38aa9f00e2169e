import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const LEFTOVER_DEADLINE_MS = 8000;

interface RegisteredProcess {
  readonly name: string;
  readonly pid: number;
  /** When it was started as the system tells it: a pid alone may belong to another process by now. */
  readonly startedAt: string;
}

/** Written to a file: what this supervisor runs, itself included, so that the next one can tell what it left. */
export interface ProcessRegister {
  add(name: string, pid: number): void;
  remove(pid: number): void;
}

/** Thrown when a living supervisor serves the same home. */
export class AlreadyRunningError extends Error {}

const SUPERVISOR = 'supervisor';

/** Ends what a killed supervisor left, and registers this one. Throws {@link AlreadyRunningError}. */
export async function openProcessRegister(file: string, log: (line: string) => void): Promise<ProcessRegister> {
  const left = read(file).filter((entry) => startTimeOf(entry.pid) === entry.startedAt);
  const supervisor = left.find((entry) => entry.name === SUPERVISOR);
  if (supervisor) throw new AlreadyRunningError(`it is running already (pid ${supervisor.pid})`);
  for (const entry of left) {
    log(`ending ${entry.name} (pid ${entry.pid}), left by a start that was killed`);
    await end(entry);
  }
  let entries: readonly RegisteredProcess[] = [];
  const save = (next: readonly RegisteredProcess[]): void => {
    entries = next;
    writeFileSync(file, JSON.stringify(entries), { mode: 0o600 });
  };
  const add = (name: string, pid: number): void => save([...entries, { name, pid, startedAt: startTimeOf(pid) ?? '' }]);
  add(SUPERVISOR, process.pid);
  return { add, remove: (pid) => save(entries.filter((entry) => entry.pid !== pid)) };
}

/** Each child leads a process group of its own, so its helpers go with it. */
async function end(entry: RegisteredProcess): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    signalGroup(entry.pid, name);
    for (const until = performance.now() + LEFTOVER_DEADLINE_MS; performance.now() < until; await delay(POLL_MS)) {
      if (startTimeOf(entry.pid) !== entry.startedAt) return;
    }
  }
}

export function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function read(file: string): readonly RegisteredProcess[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly RegisteredProcess[];
  } catch {
    return []; // the first start, or a file cut short: Postgres guards its own data, and a taken port is named
  }
}

/** `null` when there is no such process; a zombie counts as none. */
function startTimeOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      // After the command in brackets come state (field 3) and, at field 22, the start time (proc_pid_stat(5)).
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields[0] === 'Z' ? null : (fields[19] ?? null);
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}
