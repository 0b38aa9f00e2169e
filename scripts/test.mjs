// `npm test`: everything, on a machine with Node 20.19 or newer and npm. Its last line is `N passed, N failed, N skipped`.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWeb, generateClient } from './build.mjs';
import { installPackages } from './install.mjs';
import { findNode24, node24Environment, root } from './node-24.mjs';
import { progress } from './progress.mjs';
import { readTallyLine, TestTally } from './test-tally.mjs';
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
  tally.add({ failed: 1 });
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
  const { code, output } = await runTee(findNode24(), ['--disable-warning=ExperimentalWarning', script]);
  const counts = readTallyLine(output);
  tally.add(counts ?? { [code === 0 ? 'passed' : 'failed']: 1 });
  if (code !== 0 && counts?.failed === 0) tally.add({ failed: 1 });
}

/** Shows the output as it comes, and returns its end. The whole group is stopped at the deadline. */
async function runTee(command, args) {
  const child = spawn(command, args, {
    cwd: root,
    env: node24Environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
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
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    process.stdout.write(chunk);
    output = (output + chunk).slice(-4000);
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  clearTimeout(lastResort);
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  endGroup('SIGKILL'); // nothing it started stays
  return { code, output };
}
