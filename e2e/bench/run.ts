// `pnpm bench`: the gate beside the target itself, pgbouncer and a bare proxy, in one run. Prints ratios; with `--write`
// they are kept in docs/performance.md too. `--quick` takes one short round of each; `--modes=prepared --clients=8` less.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@taskgate/testkit';
import pg from 'pg';
import { ROOT, startSystem } from '../system.ts';
import { BULK_ROWS, prepareBench, type Way } from './bench-target.ts';
import { median, runPgbench, timePsql } from './run-clients.ts';
import { cpuSeconds, gatewayPids, type OpenWay, openBareProxy, openPgbouncer, settle } from './ways.ts';

const quick = process.argv.includes('--quick');
const chosen = (name: string, all: string): string[] =>
  (process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? all).split(',');
const PARTS = chosen('only', 'transactions,latency,bulk,connect,idle');
const SECONDS = Number(process.env.BENCH_SECONDS ?? (quick ? 2 : 4));
const ROUNDS = quick ? 1 : 3;
const WARM_UP_SECONDS = quick ? 3 : 8;
const IDLE_SESSIONS = quick ? 1_000 : 5_000;
const MODES = chosen('modes', 'simple,extended,prepared');
const CLIENTS = chosen('clients', '1,8,64').map(Number);

const folder = mkdtempSync(join(tmpdir(), 'taskgate-bench-'));
const selectOnly = join(folder, 'select-only.sql');
writeFileSync(selectOnly, '\\set id random(1, 100000)\nselect name, email from public.people where id = :id;\n');
const connectOnly = join(folder, 'connect.sql');
writeFileSync(connectOnly, 'select 1;\n');
const WORKLOADS = [
  { name: 'select-only', args: ['-f', selectOnly] },
  { name: 'TPC-B', args: ['-b', 'tpcb-like'] },
] as const;

const lines: string[] = [];
function say(line: string): void {
  process.stdout.write(`${line}\n`);
  lines.push(line);
}
const wants = (part: string): boolean => PARTS.includes(part);
const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '-');

const system = await startSystem();
const ways: OpenWay[] = [];
try {
  const { direct, grant } = await prepareBench(system.facts);
  const masked = await grant('bench-masked');
  const clear = await grant('bench-clear');
  const gatePids = gatewayPids(system.facts.home);
  const bouncer = await openPgbouncer(direct);
  if (bouncer === null) process.stdout.write('pgbouncer is not installed (apt-get install pgbouncer): left out\n');
  const bare = await openBareProxy(direct);
  ways.push(...(bouncer === null ? [] : [bouncer]), bare);
  const through: readonly OpenWay[] = [
    { way: direct, pids: [], close: () => undefined },
    ...ways,
    { way: masked, pids: gatePids, close: () => undefined },
  ];

  say(`${cpus().length} cores, Node ${process.versions.node}; median of ${ROUNDS} alternating rounds of ${SECONDS} s`);
  if (wants('transactions')) await transactions(through);
  if (wants('latency')) await latencies(through);
  if (wants('bulk'))
    await bulk(
      direct,
      ways.map(({ way }) => way),
      masked,
      clear,
    );
  if (wants('connect')) await connects(through);
  if (wants('idle')) await idle();
} finally {
  for (const way of ways) way.close();
  await system.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (process.argv.includes('--write')) keep();

async function transactions(through: readonly OpenWay[]): Promise<void> {
  for (const { way } of through)
    await runPgbench(way, { args: [...WORKLOADS[0].args, '-M', 'prepared'], clients: 8, seconds: WARM_UP_SECONDS });
  let behind = 0;
  for (const { pids } of through) await settle(pids);
  for (const { name, args } of WORKLOADS) {
    say('');
    say(`**${name}**, transactions a second, and microseconds of the gateway's processor time for one`);
    say('');
    say(
      '| mode | clients | direct | pgbouncer | bare proxy | gate | gate / direct | gate / pgbouncer | gate / bare | us |',
    );
    say('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    for (const mode of MODES)
      for (const clients of CLIENTS) {
        const tps = new Map<string, number[]>(through.map(({ way }) => [way.name, []]));
        let cpu = 0;
        let count = 0;
        // pgbench's time runs while it connects, though its figures leave that out.
        const seconds = SECONDS + Math.ceil(clients / 8);
        for (let round = 0; round < ROUNDS; round++)
          for (const { way, pids } of through) {
            await connectionsAreClosed(through[0]!.way);
            const before = cpuSeconds(pids);
            const result = await runPgbench(way, { args: [...args, '-M', mode], clients, seconds });
            tps.get(way.name)!.push(result.tps);
            if (way.name !== 'gate') continue;
            cpu += cpuSeconds(pids) - before;
            count += result.transactions;
            behind = Math.max(behind, await settle(pids));
          }
        const of = (name: Way['name']): number => median(tps.get(name) ?? []) ?? Number.NaN;
        const gate = of('gate');
        const cells = (['direct', 'pgbouncer', 'bare proxy', 'gate'] as const).map((one) =>
          Number.isFinite(of(one)) ? of(one).toFixed(0) : '-',
        );
        const ratios = (['direct', 'pgbouncer', 'bare proxy'] as const).map((one) => ratio(gate / of(one)));
        say(`| ${[mode, clients, ...cells, ...ratios, ((cpu / count) * 1e6).toFixed(0)].join(' | ')} |`);
      }
  }
  say('');
  say(
    `The index was complete ${behind.toFixed(0)} s after a round at the latest (it is waited for, a minute at most).`,
  );
}

/** Waits for the rest of the last round: 64 clients of two ways are more than the target takes. */
async function connectionsAreClosed(direct: Way): Promise<void> {
  const client = new pg.Client(direct);
  await client.connect();
  try {
    await waitUntil(
      async () => {
        const { rows } = await client.query<{ count: number }>(
          'select count(*)::int as count from pg_stat_activity where datname = current_database()',
        );
        return rows[0]!.count < 10;
      },
      30_000,
      'connections of the last round to close',
    );
  } finally {
    await client.end();
  }
}

async function latencies(through: readonly OpenWay[]): Promise<void> {
  say('');
  say('**Latency at one client**, select-only, prepared: p50 in milliseconds');
  say('');
  const p50 = new Map<string, number[]>(through.map(({ way }) => [way.name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const { way, pids } of through) {
      const args = [...WORKLOADS[0].args, '-M', 'prepared'];
      const { p50Ms } = await runPgbench(way, { args, clients: 1, seconds: SECONDS, latencies: true });
      p50.get(way.name)!.push(p50Ms!);
      await settle(pids);
    }
  const of = (name: string): number => median(p50.get(name) ?? []) ?? Number.NaN;
  say('| | p50 | added |');
  say('| --- | ---: | ---: |');
  for (const { way } of through)
    say(`| ${way.name} | ${of(way.name).toFixed(3)} | ${(of(way.name) - of('direct')).toFixed(3)} |`);
  say('');
  say(
    `The gate adds ${ratio((of('gate') - of('direct')) / (of('pgbouncer') - of('direct')))} times what pgbouncer adds.`,
  );
}

async function bulk(direct: Way, between: readonly Way[], masked: Way, clear: Way): Promise<void> {
  say('');
  say(`**${BULK_ROWS / 1e6} million rows** of four columns by psql, seconds`);
  say('');
  const cases = [
    { name: 'select', sql: 'select id, name, email, amount from public.big' },
    { name: 'copy', sql: 'copy (select id, name, email, amount from public.big) to stdout' },
  ];
  const all = [direct, ...between, clear, masked];
  const names = ['direct', ...between.map(({ name }) => name), 'gate, no masks', 'gate, masked'];
  say(`| | ${names.join(' | ')} | direct / no masks | direct / masked |`);
  say(`| --- |${' ---: |'.repeat(names.length + 2)}`);
  for (const { name, sql } of cases) {
    const times: number[][] = all.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, way] of all.entries()) times[index]!.push(await timePsql(way, sql));
    const medians = times.map((one) => median(one));
    const [free, hidden] = medians.slice(-2) as [number, number];
    say(
      `| ${[name, ...medians.map((one) => one.toFixed(2)), ratio(medians[0]! / free), ratio(medians[0]! / hidden)].join(' | ')} |`,
    );
  }
}

async function connects(through: readonly OpenWay[]): Promise<void> {
  say('');
  say('**New connections a second**, one statement each, four at a time');
  say('');
  say('| way | a second |');
  say('| --- | ---: |');
  for (const { way, pids } of through) {
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++)
      rates.push((await runPgbench(way, { args: ['-C', '-f', connectOnly], clients: 4, seconds: SECONDS })).tps);
    await settle(pids);
    say(`| ${way.name} | ${median(rates).toFixed(0)} |`);
  }
}

async function idle(): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'packages/gateway/src/testing/idle-sessions.ts'),
      String(IDLE_SESSIONS),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  const { sessions, rss, bytesPerSession } = JSON.parse(output) as {
    sessions: number;
    rss: number;
    bytesPerSession: number;
  };
  say('');
  say(
    `**Idle sessions**: with ${sessions} of them the gateway has ${(rss / 1e6).toFixed(0)} MB resident, ${(bytesPerSession / 1000).toFixed(1)} KB for each.`,
  );
}

/** Between two marks of docs/performance.md. */
function keep(): void {
  const file = join(ROOT, 'docs/performance.md');
  const [start, end] = ['<!-- figures -->', '<!-- end of figures -->'];
  const text = readFileSync(file, 'utf8');
  const [head, rest] = text.split(start) as [string, string];
  writeFileSync(file, `${head}${start}\n\n${lines.join('\n')}\n\n${end}${rest.split(end)[1]}`);
}
