// A long run, guided by coverage: node src/testing/fuzz.ts [--seconds 600] [--seed 1] [--target analyzer] in packages/gateway.
// V8's own block coverage says which inputs reach something new; those are mutated further. What fails is written to
// src/fixtures/fuzz/<target>-<hash>.hex, which the tests replay from then on.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type FuzzTarget, fuzzTargets, mutate, randomNumbers } from './fuzz-targets.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, target: { type: 'string' } },
});
const SECONDS = Number(values.seconds ?? 60);
const SEED = Number(values.seed ?? 1);
const BATCH = 64;
const MAX_CORPUS = 4_000;
const COVERED = /\/packages\/(protocol-postgres|sql)\/src\//;
const KEPT = path.join(import.meta.dirname, '../fixtures/fuzz');

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const seen = new Set<string>();

/** Blocks that have run since it was last asked, and never before. */
async function newBlocks(): Promise<number> {
  const before = seen.size;
  const { result } = await session.post('Profiler.takePreciseCoverage');
  for (const script of result)
    if (COVERED.test(script.url))
      for (const { ranges } of script.functions)
        for (const { count, startOffset, endOffset } of ranges)
          if (count > 0) seen.add(`${script.scriptId}:${startOffset}:${endOffset}`);
  return seen.size - before;
}

async function fuzz(name: string, target: FuzzTarget, seconds: number): Promise<boolean> {
  const random = randomNumbers(SEED);
  const corpus = [...target.seeds()];
  const failures = new Set<string>();
  let executions = 0;
  let slowestMs = 0;
  const run = (input: Uint8Array): void => {
    executions += 1;
    const startedAt = performance.now();
    try {
      target.check(input);
    } catch (error) {
      const kind = String(error).slice(0, 200);
      if (!failures.has(kind)) {
        failures.add(kind);
        fs.mkdirSync(KEPT, { recursive: true });
        const hash = createHash('sha256').update(input).digest('hex').slice(0, 12);
        fs.writeFileSync(path.join(KEPT, `${name}-${hash}.hex`), `${Buffer.from(input).toString('hex')}\n`);
        console.log(`${name}: ${kind} (${hash})`);
      }
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
  };
  for (const input of corpus) run(input);
  await newBlocks();
  const seeds = corpus.length;
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    const batch = Array.from({ length: BATCH }, () => {
      // Half of them from what was found last.
      const from = random(2) === 0 ? random(corpus.length) : corpus.length - 1 - random(Math.min(50, corpus.length));
      return mutate(corpus[from]!, corpus[random(corpus.length)]!, target.words, random);
    });
    for (const input of batch) run(input);
    if ((await newBlocks()) === 0 || corpus.length >= MAX_CORPUS) continue;
    // Which of them it was is not told: all go on, and those that lead nowhere are rarely taken again.
    corpus.push(...batch.filter((_, index) => index % 4 === 0 || batch.length < 8));
  }
  console.log(
    `${name}: ${executions} executions in ${seconds} s, ${seen.size} blocks, corpus ${seeds} -> ${corpus.length}, slowest ${slowestMs.toFixed(0)} ms, ${failures.size} findings`,
  );
  return failures.size === 0;
}

const targets = Object.entries(await fuzzTargets()).filter(
  ([name]) => values.target === undefined || name === values.target,
);
let ok = true;
for (const [name, target] of targets) ok = (await fuzz(name, target, SECONDS / targets.length)) && ok;
session.disconnect();
process.exitCode = ok ? 0 : 1;
