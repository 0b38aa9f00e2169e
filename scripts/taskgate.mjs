#!/usr/bin/env node
// `npx taskgate`: the command line client, run with the Node 24 that the install brought.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { findNode24, node24Environment, root } from './node-24.mjs';

const node = findNode24();
if (node === null) {
  console.error('taskgate: nothing is installed here yet; run `npm start` once');
  process.exit(1);
}
const args = ['--disable-warning=ExperimentalWarning', join(root, 'apps/cli/src/main.ts'), ...process.argv.slice(2)];
const child = spawn(node, args, { stdio: 'inherit', env: node24Environment() });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`taskgate: ${error.message}`);
  process.exitCode = 1;
});
child.once('close', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
