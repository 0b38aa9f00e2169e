// The real client programs that tests drive: found on this machine, or fetched where we may.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './node-24.mjs';
import { progress } from './progress.mjs';

const APT_TIMEOUT_MS = 240_000;
const SYSTEM_POSTGRES = '/usr/lib/postgresql';
const fetchedFolder = join(root, 'node_modules/.cache/taskgate-tools');

/**
 * Environment for the tests (PATH with what was fetched, TASKGATE_CHROMIUM), and what is missing, each with its reason.
 * Installs from apt only as root on Debian or its kin.
 */
export async function prepareTestTools() {
  const missing = [];
  const apt = aptOrReason();

  if (!findProgram('psql')) {
    if (apt === true) aptInstall('postgresql-client');
    if (!findProgram('psql')) missing.push(`psql: ${reason(apt, 'postgresql-client')}`);
  }
  if (!findProgram('pgbench')) {
    if (apt === true) fetchPgbench();
    if (!findProgram('pgbench')) missing.push(`pgbench: ${reason(apt, 'postgresql')}`);
  }
  let chromium = await findChromium();
  if (chromium === null) {
    if (apt === true) aptInstall('chromium');
    chromium = findProgram('chromium');
    if (chromium === null) missing.push(`a browser: ${reason(apt, 'chromium')}`);
  }

  const folders = [fetchedFolder, process.env.PATH, ...systemFolders()].filter(Boolean);
  return {
    environment: { PATH: folders.join(delimiter), ...(chromium ? { TASKGATE_CHROMIUM: chromium } : {}) },
    missing,
  };
}

/** A program on the PATH, among what was fetched, or where Debian keeps Postgres's own. */
export function findProgram(name) {
  const folders = [fetchedFolder, ...(process.env.PATH ?? '').split(delimiter), ...systemFolders()];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path) && runs(path)) ?? null;
}

/** Debian's wrappers in /usr/bin are there without the programs that they wrap. */
function runs(path) {
  const args = path.includes('chrom') ? ['--version', '--no-sandbox'] : ['--version'];
  return spawnSync(path, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

function systemFolders() {
  if (!existsSync(SYSTEM_POSTGRES)) return [];
  return readdirSync(SYSTEM_POSTGRES)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(SYSTEM_POSTGRES, version, 'bin'));
}

/** The machine's own, or the one from npm where its libraries are there. */
async function findChromium() {
  const installed = findProgram('chromium') ?? findProgram('google-chrome');
  if (installed) return installed;
  try {
    const require = createRequire(join(root, 'e2e/package.json'));
    const packaged = await import(pathToFileURL(require.resolve('@sparticuz/chromium')).href);
    const path = await packaged.default.executablePath();
    return runs(path) ? path : null;
  } catch {
    return null;
  }
}

/** pgbench comes in the server's package, which would start a server of its own: only the program is taken out. */
function fetchPgbench() {
  const psql = systemFolders()[0];
  const version = psql ? psql.split('/').at(-2) : null;
  if (!version) return;
  progress('fetching pgbench');
  updateApt();
  const scratch = mkdtempSync(join(tmpdir(), 'taskgate-pgbench-'));
  try {
    if (!run('apt-get', ['download', `postgresql-${version}`], scratch)) return;
    const archive = readdirSync(scratch).find((name) => name.endsWith('.deb'));
    if (!archive || !run('dpkg-deb', ['-x', archive, scratch], scratch)) return;
    mkdirSync(fetchedFolder, { recursive: true });
    copyFileSync(join(scratch, SYSTEM_POSTGRES, version, 'bin/pgbench'), join(fetchedFolder, 'pgbench'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let aptUpdated = false;
function updateApt() {
  if (!aptUpdated) run('apt-get', ['update', '-qq']);
  aptUpdated = true;
}

function aptInstall(name) {
  progress(`installing ${name} from apt`);
  updateApt();
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name]);
}

function aptOrReason() {
  if (!findProgram('apt-get')) return 'there is no apt-get here';
  if (process.getuid?.() !== 0) return 'only root may install it';
  return true;
}

function reason(apt, name) {
  return apt === true ? `apt-get could not install ${name}` : `${apt}; install ${name}`;
}

function run(command, args, cwd = root) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(command, args, { cwd, env, stdio: 'pipe', timeout: APT_TIMEOUT_MS });
  if (result.status !== 0) progress(`${command} ${args.join(' ')} failed: ${String(result.stderr).trim().slice(-300)}`);
  return result.status === 0;
}
