import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClientProgram, freePort, waitUntil } from '@taskgate/testkit';
import pg from 'pg';
import type { Way } from './bench-target.ts';

export interface OpenWay {
  readonly way: Way;
  /** The processes that stand in between, as far as the system tells them. */
  readonly pids: readonly number[];
  readonly close: () => void;
}

async function answering(way: Way): Promise<void> {
  await waitUntil(
    async () => {
      const client = new pg.Client(way);
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        return true;
      } catch {
        return false;
      }
    },
    20_000,
    way.name,
  );
}

/** The yardstick: frames every message, decides and records nothing. */
export async function openBareProxy(direct: Way): Promise<OpenWay> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-proxy.ts'), String(port), direct.host, String(direct.port)],
    { stdio: 'ignore' },
  );
  const way: Way = { ...direct, name: 'bare proxy', host: '127.0.0.1', port };
  await answering(way);
  return { way, pids: child.pid === undefined ? [] : [child.pid], close: () => child.kill() };
}

/** pgbouncer with a connection to the target for each client; `null` where it is not installed. */
export async function openPgbouncer(direct: Way): Promise<OpenWay | null> {
  const program = findClientProgram('pgbouncer');
  if (program === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'taskgate-pgbouncer-'));
  const port = await freePort();
  writeFileSync(join(folder, 'users.txt'), `"${direct.user}" "${direct.password}"\n`);
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
${direct.database} = host=${direct.host} port=${direct.port} user=${direct.user} password=${direct.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = session
max_client_conn = 500
default_pool_size = 200
server_idle_timeout = 1
`,
  );
  // It refuses to run as root.
  const nobody =
    process.getuid?.() === 0 ? Number(readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+)/m)?.[1]) : null;
  if (nobody !== null) for (const path of [folder, file, join(folder, 'users.txt')]) chownSync(path, nobody, -1);
  const child: ChildProcess = spawn(program, [...(nobody === null ? [] : ['-u', 'nobody']), '-q', file], {
    stdio: 'ignore',
  });
  const way: Way = { ...direct, name: 'pgbouncer', host: '127.0.0.1', port };
  await answering(way);
  return {
    way,
    pids: child.pid === undefined ? [] : [child.pid],
    close: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The processes of the gateway that serves this home; none where the system does not tell. */
export function gatewayPids(home: string): readonly number[] {
  const of = (pid: string, file: string): string => {
    try {
      return readFileSync(join('/proc', pid, file), 'utf8');
    } catch {
      return '';
    }
  };
  try {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .filter(
        (pid) =>
          of(pid, 'cmdline').includes('apps/gateway/src/main.ts') &&
          of(pid, 'environ').includes(`TASKGATE_HOME=${home}\0`),
      )
      .map(Number);
  } catch {
    return []; // not Linux
  }
}

/** Seconds of processor time that the processes have used. */
export function cpuSeconds(pids: readonly number[]): number {
  if (pids.length === 0) return Number.NaN;
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);
}

/** Longer than the index ever pauses. */
const SETTLE_WINDOW_MS = 3_000;
const SETTLED_SHARE = 0.02;
const SETTLE_DEADLINE_MS = 60_000;

/**
 * Waits until the gateway has brought what it recorded into the index, or a minute has passed, so that nobody's round is
 * measured beside that of another. Answers how many seconds that took.
 */
export async function settle(pids: readonly number[]): Promise<number> {
  if (pids.length === 0) return 0;
  const startedAt = performance.now();
  for (;;) {
    const before = cpuSeconds(pids);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_WINDOW_MS));
    const waited = performance.now() - startedAt;
    const isQuiet = cpuSeconds(pids) - before < (SETTLE_WINDOW_MS / 1_000) * SETTLED_SHARE;
    if (isQuiet || waited > SETTLE_DEADLINE_MS) return waited / 1_000;
  }
}
