// Installs the workspace's packages with pnpm, which npm's own npx fetches.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashFiles, runUnlessStamped } from './content-stamp.mjs';
import { root } from './node-24.mjs';
import { progress } from './progress.mjs';
import { runStep } from './run-step.mjs';

const PROGRESS_EVERY_MS = 5000;

/** Installs what the lockfile says, unless that was done already. */
export async function installPackages() {
  const ran = await runUnlessStamped(join(root, 'node_modules/.taskgate-installed'), installHash(), async () => {
    progress('installing packages (once, and after a change of the lockfile)');
    let shownAt = performance.now();
    await runStep(
      'installing packages',
      'npx',
      ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--reporter=append-only'],
      {
        cwd: root,
        env: { ...process.env, npm_config_update_notifier: 'false' },
        onLine: (line) => {
          const counts = /^Progress: (.*?)(, done)?$/.exec(line.trim());
          if (!counts || performance.now() - shownAt < PROGRESS_EVERY_MS) return;
          shownAt = performance.now();
          progress(`  ${counts[1]}`);
        },
      },
    );
  });
  if (ran) progress('packages are installed');
}

/** Everything that decides what lies in node_modules. */
function installHash() {
  const manifests = ['apps', 'packages'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'package.json')),
  );
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'e2e/package.json'];
  return hashFiles(
    root,
    [...files.map((name) => join(root, name)), ...manifests.filter((file) => existsSync(file)).sort()],
    [process.platform, process.arch],
  );
}
