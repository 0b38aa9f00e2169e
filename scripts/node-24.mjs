// Finds a Node that runs TypeScript as it is (24 or newer), on a machine that may have only Node 20.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Path of Node 24 or newer: this process's own, or the one that the install brought; `null` before the install. */
export function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const installed = join(root, 'node_modules/.bin/node');
  return existsSync(installed) ? installed : null;
}

/** Environment in which child processes find Node 24 and the workspace's programs first, and compile things once. */
export function node24Environment() {
  const node = findNode24();
  const folders = [join(root, 'node_modules/.bin'), ...(node ? [dirname(node)] : []), process.env.PATH ?? ''];
  return {
    ...process.env,
    PATH: folders.join(':'),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/taskgate-compile'),
    NEXT_TELEMETRY_DISABLED: '1',
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    DO_NOT_TRACK: '1',
  };
}
