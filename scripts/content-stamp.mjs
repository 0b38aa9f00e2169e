// A step that takes long is skipped when the contents it depends on are those of its last success.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const SKIPPED_FOLDERS = new Set(['node_modules', '.next', '.turbo', 'dist', 'generated', 'coverage']);
const TESTS = /\.(test|spec)\.[a-z]+$/;

/** Files below `folder` (paths joined to it), sorted; no build results, dependencies, tests or type declarations of Next. */
export function listSourceFiles(folder) {
  const found = [];
  const visit = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name)) visit(join(at, entry.name));
      } else if (!TESTS.test(entry.name) && entry.name !== 'next-env.d.ts' && !entry.name.endsWith('.tsbuildinfo')) {
        found.push(join(at, entry.name));
      }
    }
  };
  visit(folder);
  return found.sort();
}

/** SHA-256 over names (from `base` on) and contents; a missing file counts as such. `extra` is anything else that matters. */
export function hashFiles(base, files, extra = '') {
  const hash = createHash('sha256').update(JSON.stringify(extra));
  for (const file of files) {
    hash.update(`\0${relative(base, file)}\0`);
    hash.update(readOrNull(file) ?? '\0missing');
  }
  return hash.digest('hex');
}

/**
 * Runs `step` unless `stampFile` holds `hash`, and writes it after success. Keep the stamp inside what the step makes:
 * whoever deletes the result deletes the stamp. Returns whether it ran.
 */
export async function runUnlessStamped(stampFile, hash, step) {
  if (readOrNull(stampFile)?.toString() === hash) return false;
  rmSync(stampFile, { force: true });
  await step();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, hash);
  return true;
}

function readOrNull(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
}
