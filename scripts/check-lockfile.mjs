// The lockfile and .npmrc go to everybody: they name no registry host, no address to fetch from, and no credential.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node-24.mjs';

const FORBIDDEN = [
  [/[a-z][a-z0-9+.-]*:\/\//i, 'an address: packages come from whatever registry the machine is set to'],
  [/\btarball:/, 'a tarball of its own'],
  [/_authToken|_auth\b|_password/, 'a credential'],
  [/^\s*registry\s*=/, 'a registry'],
];

let found = 0;
for (const file of ['pnpm-lock.yaml', '.npmrc']) {
  for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    for (const [pattern, what] of FORBIDDEN) {
      if (!pattern.test(line)) continue;
      found++;
      console.error(`${file}:${index + 1} holds ${what}`);
    }
  }
}
process.exitCode = found > 0 ? 1 : 0;
