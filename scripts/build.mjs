// Generates the store's client and builds the web, each only when something that it depends on has changed.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { hashFiles, listSourceFiles, runUnlessStamped } from './content-stamp.mjs';
import { findNode24, node24Environment, root } from './node-24.mjs';
import { progress } from './progress.mjs';
import { runStep } from './run-step.mjs';

/** `prisma generate`, from prisma/*.prisma. */
export async function generateClient() {
  const db = join(root, 'packages/db');
  const models = listSourceFiles(join(root, 'prisma')).filter((file) => file.endsWith('.prisma'));
  if (models.length === 0) return;
  const inputs = [...models, join(db, 'prisma.config.ts'), join(db, 'package.json'), join(root, 'pnpm-lock.yaml')];
  await runUnlessStamped(join(db, 'src/generated/.stamp'), hashFiles(root, inputs), async () => {
    await runStep('generating the client of the store', findNode24(), [programOf(db, 'prisma'), 'generate'], {
      cwd: db,
      env: node24Environment(),
    });
    progress('client of the store is generated');
  });
}

/** Of the output of `next build`: what is shown meanwhile. */
const BUILD_STAGES = [
  'Creating an optimized production build',
  'Compiled successfully',
  'Running TypeScript',
  'Collecting page data',
];

/** `next build` of apps/web, from its own sources and those of every workspace package that it depends on. */
export async function buildWeb() {
  const web = join(root, 'apps/web');
  const inputs = [
    ...[web, ...workspaceDependencies(web)].flatMap(listSourceFiles),
    ...listSourceFiles(join(root, 'prisma')).filter((file) => file.endsWith('.prisma')),
    join(root, 'pnpm-lock.yaml'),
    join(root, 'tsconfig.base.json'),
  ];
  await runUnlessStamped(join(web, '.next/.stamp'), hashFiles(root, inputs), async () => {
    progress('building the web (once, and after a change; some minutes on a small machine)');
    await runStep('building the web', findNode24(), [programOf(web, 'next'), 'build'], {
      cwd: web,
      env: { ...node24Environment(), NODE_ENV: 'production' },
      onLine: (line) => {
        const stage = BUILD_STAGES.find((one) => line.includes(one));
        if (stage) progress(`  ${stage}`);
      },
    });
    progress('web is built');
  });
}

/** Script of a program that `folder` depends on, to run with Node 24 without a shell between. */
export function programOf(folder, name) {
  const require = createRequire(join(folder, 'package.json'));
  const manifestFile = require.resolve
    .paths(name)
    ?.map((at) => join(at, name, 'package.json'))
    .find(existsSync);
  if (!manifestFile) throw new Error(`\`${name}\` is not installed in ${relative(root, folder)}: run npm start again`);
  const { bin } = JSON.parse(readFileSync(manifestFile, 'utf8'));
  return join(dirname(manifestFile), typeof bin === 'string' ? bin : bin[name]);
}

/** Folders of the workspace packages that `folder` needs, directly or not. */
export function workspaceDependencies(folder) {
  const found = new Set();
  const visit = (at) => {
    const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      if (!version.startsWith('workspace:')) continue;
      const dependency = join(root, 'packages', name.replace('@taskgate/', ''));
      if (found.has(dependency)) continue;
      found.add(dependency);
      visit(dependency);
    }
  };
  visit(folder);
  return [...found].sort();
}
