// `npm start`: all that Taskgate needs on a machine with Node 20.19 or newer and npm, then the servers themselves.
// Plain JavaScript, since it runs before anything is installed. `--dev` serves the web with reloading.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildWeb, generateClient } from './build.mjs';
import { installPackages } from './install.mjs';
import { findNode24, node24Environment, root } from './node-24.mjs';
import { startedAt } from './progress.mjs';
import { StepError } from './run-step.mjs';

const PARENT_POLL_MS = 500;
const dev = process.argv.includes('--dev');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`this is Node ${process.versions.node}: Taskgate needs Node 20.19 or newer`);
  process.exit(1);
}

try {
  await installPackages();
  if (findNode24() === null) {
    throw new Error(
      `there is no Node 24 for ${process.platform}-${process.arch} among the packages: install Node 24 and start again`,
    );
  }
  await generateClient();
  if (!dev) await buildWeb();
} catch (error) {
  console.error(error instanceof StepError ? `\n${error.message}` : `\n${error.message ?? error}`);
  process.exit(1);
}
process.exitCode = await supervise();
process.exit();

/** Hands over to the supervisor, passes signals on, and ends with its exit code. The channel tells it if we die. */
async function supervise() {
  const child = startSupervisor(process.argv.slice(2), 'ipc');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  whenParentIsGone(() => child.kill('SIGTERM'));
  const code = await ended(child);
  if (code !== null) return code;
  console.error('the supervisor was killed: ending what it left');
  await ended(startSupervisor(['--end-leftovers'], 'ignore'));
  return 1;
}

function startSupervisor(args, channel) {
  const command = ['--disable-warning=ExperimentalWarning', join(root, 'scripts/serve.ts'), ...args];
  return spawn(findNode24(), command, {
    cwd: root,
    env: { ...node24Environment(), TASKGATE_STARTED_AT: String(startedAt) },
    stdio: ['inherit', 'inherit', 'inherit', channel],
  });
}

/** Its exit code, or `null` when a signal ended it. */
function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('close', resolve);
  });
}

/** A killed npm tells nobody, and would leave servers that nobody knows of. */
function whenParentIsGone(act) {
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event) return; // a shell that is closed on purpose is no such parent
  setInterval(() => process.ppid !== parent && act(), PARENT_POLL_MS).unref();
}
