// `pnpm verify`: what must hold before every commit, in under a minute: format, lint, types, boundaries, unit tests.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateClient } from './build.mjs';
import { findNode24, node24Environment, root } from './node-24.mjs';
import { readTally, TestTally } from './test-tally.mjs';

/** Of one check; a hang must not hold up a build server. */
const DEADLINE_MS = 20 * 60_000;

/** Runs all checks, prints a line for each, and returns what passed and failed. */
export async function verify() {
  const tally = new TestTally();
  const scratch = mkdtempSync(join(tmpdir(), 'taskgate-verify-'));
  try {
    await generateClient();
    const node = findNode24();
    const script = (name, ...args) => [
      node,
      ['--disable-warning=ExperimentalWarning', join(root, 'scripts', name), ...args],
    ];
    const program = (name, ...args) => [join(root, 'node_modules/.bin', name), args];
    const checks = [
      ['format and lint', ...program('biome', 'check', '--error-on-warnings', '.')],
      ['boundaries between packages', ...script('check-boundaries.ts')],
      ['lockfile names no host and no secret', ...script('check-lockfile.mjs')],
      ...(existsSync(join(root, 'prisma/migrations/schema.snapshot.txt'))
        ? [['migrations match the models', ...script('create-migration.mjs', '--check')]]
        : []),
      ...typeProjects().map((project) => [`types of ${project}`, ...program('tsc', '-p', project)]),
    ];
    await inParallel(checks, Math.min(2, availableParallelism()), async ([name, command, args]) => {
      const ok = await check(name, command, args);
      if (ok) tally.add({ passed: 1 });
      else tally.fail(name);
    });
    tally.add(await runVitest('pure', scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return tally;
}

/** Runs one vitest project, its own report on screen, and returns its counts. */
export async function runVitest(project, scratch) {
  const file = join(scratch, `${project}.json`);
  // Tests against servers wait much: two files at a time, on two cores too.
  const workers = project === 'servers' ? ['--maxWorkers=2'] : [];
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/tally-reporter.mjs')}`];
  const args = ['run', '--project', project, '--passWithNoTests', ...workers, ...reporters];
  const code = await run(join(root, 'node_modules/.bin/vitest'), args, 'inherit', { TALLY_FILE: file });
  return readTally(file, `the ${project} tests`, code);
}

/** tsconfig files to check: two for a package whose tests may use what its sources may not. */
function typeProjects() {
  const members = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => `${group}/${name}`),
  );
  return [...members, 'e2e', 'scripts']
    .flatMap((folder) => [`${folder}/tsconfig.json`, `${folder}/tsconfig.test.json`])
    .filter((file) => existsSync(join(root, file)));
}

async function check(name, command, args) {
  const startedAt = performance.now();
  const output = [];
  const code = await run(command, args, output);
  // A project without any source file yet is not wrong.
  const empty = output.join('').includes('error TS18003');
  const ok = code === 0 || empty;
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name}  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  if (!ok) console.log(output.join('').trimEnd().replaceAll(/^/gm, '      '));
  return ok;
}

async function run(command, args, output, environment = {}) {
  const inherit = output === 'inherit';
  const child = spawn(command, args, {
    cwd: root,
    env: { ...node24Environment(), ...environment },
    stdio: ['ignore', inherit ? 'inherit' : 'pipe', inherit ? 'inherit' : 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk.toString()));
  const timer = setTimeout(() => {
    console.error(`${command} took more than ${DEADLINE_MS / 60_000} minutes`);
    child.kill('SIGKILL');
  }, DEADLINE_MS);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    clearTimeout(timer);
  }
}

async function inParallel(items, width, work) {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) await work(item);
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tally = await verify();
  console.log(`${tally}`);
  process.exitCode = tally.failed > 0 ? 1 : 0;
}
