import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgbenchPath, psqlPath, runCommand } from '@taskgate/testkit';
import type { Way } from './bench-target.ts';

const environmentOf = (way: Way): Record<string, string> => ({ PGPASSWORD: way.password, PGSSLMODE: 'disable' });
const connectionOf = (way: Way): string[] => ['-h', way.host, '-p', String(way.port), '-U', way.user];

export interface BenchResult {
  /** Transactions a second. */
  readonly tps: number;
  readonly transactions: number;
  /** Milliseconds; `null` where it was not asked for. */
  readonly p50Ms: number | null;
}

/** One run of pgbench; `args` say what it does. */
export async function runPgbench(
  way: Way,
  options: {
    readonly args: readonly string[];
    readonly clients: number;
    readonly seconds: number;
    readonly latencies?: boolean;
  },
): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'taskgate-bench-'));
  try {
    const log = options.latencies === true ? ['-l', '--log-prefix', join(folder, 'log')] : [];
    const { stdout, stderr } = await runCommand(
      pgbenchPath(),
      [
        ...['-n', '-c', String(options.clients), '-T', String(options.seconds)],
        ...options.args,
        ...log,
        ...connectionOf(way),
        way.database,
      ],
      { env: environmentOf(way), timeoutMs: options.seconds * 1000 + 60_000 },
    );
    const tps = /tps = ([\d.]+)/.exec(stdout)?.[1];
    const transactions = /actually processed: (\d+)/.exec(stdout)?.[1];
    if (tps === undefined || transactions === undefined || /failed transactions: [1-9]/.test(stdout))
      throw new Error(`pgbench through ${way.name}: ${stderr || stdout}`);
    return {
      tps: Number(tps),
      transactions: Number(transactions),
      p50Ms: log.length === 0 ? null : medianLatencyMs(folder),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The third field of each line of pgbench's log is the transaction's time in microseconds. */
function medianLatencyMs(folder: string): number {
  const latencies = readdirSync(folder)
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => Number(line.split(' ')[2]));
  return median(latencies) / 1000;
}

/** Seconds that psql takes for one statement whose result it drops. */
export async function timePsql(way: Way, sql: string): Promise<number> {
  const startedAt = performance.now();
  const { code, stderr } = await runCommand(
    psqlPath(),
    ['-X', '-A', '-t', '-o', '/dev/null', ...connectionOf(way), '-c', sql, way.database],
    { env: environmentOf(way), timeoutMs: 180_000 },
  );
  if (code !== 0) throw new Error(`psql through ${way.name}: ${stderr}`);
  return (performance.now() - startedAt) / 1000;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
