// `npm test`: everything, on a machine with Node 20.19 or newer and npm. Its last line is `N passed, N failed, N skipped`.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWeb, generateClient } from './build.mjs';
import { installPackages } from './install.mjs';
import { findNode24, node24Environment, root } from './node-24.mjs';
import { progress } from './progress.mjs';
import { readTally, TestTally } from './test-tally.mjs';
import { prepareTestTools } from './test-tools.mjs';
import { runVitest, verify } from './verify.mjs';

const E2E_DEADLINE_MS = 20 * 60_000;
const STOP_DEADLINE_MS = 40_000;

const tally = new TestTally();
const skipped = [];
const scratch = mkdtempSync(join(tmpdir(), 'taskgate-tests-'));

try {
  await installPackages();
  if (findNode24() === null) throw new Error('there is no Node 24 among the packages for this platform: install it');
  await generateClient();
  const tools = await prepareTestTools();
  Object.assign(process.env, tools.environment);
  skipped.push(...tools.missing);

  progress('verify: format, lint, types, boundaries, unit tests');
  tally.add(await verify());

  progress('tests against real servers');
  tally.add(await runVitest('servers', scratch));

  await endToEnd();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  tally.fail('what the tests need');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

console.log('');
for (const line of skipped) console.log(`skipped: ${line}`);
console.log(`${tally}`);
process.exitCode = tally.failed > 0 ? 1 : 0;

/** The product as a user starts it, with real browsers and clients. */
async function endToEnd() {
  const script = join(root, 'e2e/run.ts');
  if (!existsSync(script)) {
    skipped.push('end to end: there is no e2e/run.ts');
    tally.add({ skipped: 1 });
    return;
  }
  progress('building the web for the end-to-end tests');
  await buildWeb();
  tally.add({ passed: 1 });
  progress('end to end');
  const file = join(scratch, 'e2e.json');
  const code = await runInGroup(findNode24(), ['--disable-warning=ExperimentalWarning', script], { TALLY_FILE: file });
  tally.add(readTally(file, 'end to end', code));
}

/** Runs what starts many others: the whole group is stopped at the deadline, and nothing of it stays. */
async function runInGroup(command, args, environment) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...node24Environment(), ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const endGroup = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // it has ended
    }
  };
  const onSignal = (signal) => endGroup(signal);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let lastResort;
  const timer = setTimeout(() => {
    console.error(`end to end took more than ${E2E_DEADLINE_MS / 60_000} minutes`);
    endGroup('SIGTERM'); // what it started stops in order
    lastResort = setTimeout(() => endGroup('SIGKILL'), STOP_DEADLINE_MS);
  }, E2E_DEADLINE_MS);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  clearTimeout(lastResort);
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  endGroup('SIGKILL');
  return code;
}
