// `pnpm bench`: the gate and the target itself, side by side in one run, as ratios. pgbench is the client; the session's
// policy, masks, detectors and recording are those of the demo's sales-report. Single figures of one machine mean little.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pgbenchPath, runCommand } from '@taskgate/testkit';
import { openTestDoor } from './open-test-door.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const ROUNDS = 3;

const door = await openTestDoor();
const folder = mkdtempSync(path.join(tmpdir(), 'taskgate-bench-'));
const script = path.join(folder, 'masked-row.sql');
writeFileSync(script, '\\set id random(1, 20)\nselect name, email from public.customers where id = :id;\n');
const grant = door.grant('sales-report', { limits: { rows: 1e12 } });
const target = new URL(door.database.url);

async function tps(through: 'direct' | 'gate', mode: string, clients: number): Promise<number> {
  const [port, user, password] =
    through === 'gate'
      ? [String(door.port), 'sales-report', grant.token]
      : [target.port, target.username, target.password];
  const result = await runCommand(
    pgbenchPath(),
    [
      '-n',
      '-M',
      mode,
      '-c',
      String(clients),
      '-T',
      String(SECONDS),
      '-f',
      script,
      '-h',
      '127.0.0.1',
      '-p',
      port,
      '-U',
      user,
      door.database.name,
    ],
    { env: { PGPASSWORD: decodeURIComponent(password), PGSSLMODE: 'disable' }, timeoutMs: SECONDS * 1000 + 30_000 },
  );
  const found = /tps = ([\d.]+)/.exec(result.stdout);
  if (found === null) throw new Error(`pgbench ${through} ${mode}: ${result.stderr}`);
  return Number(found[1]);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

process.stdout.write('select of one masked row; transactions a second, median of 3 alternating rounds\n');
process.stdout.write('mode      clients   direct     gate   gate/direct\n');
for (const mode of ['simple', 'extended', 'prepared'])
  for (const clients of [1, 8]) {
    const direct: number[] = [];
    const gate: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(await tps('direct', mode, clients));
      gate.push(await tps('gate', mode, clients));
    }
    const [d, g] = [median(direct), median(gate)];
    process.stdout.write(
      `${mode.padEnd(10)}${String(clients).padStart(7)}${d.toFixed(0).padStart(9)}${g.toFixed(0).padStart(9)}${(g / d).toFixed(3).padStart(14)}\n`,
    );
  }
process.stdout.write(`resident memory of this process: ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB\n`);
await door.close();
rmSync(folder, { recursive: true, force: true });
