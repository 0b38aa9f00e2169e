import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TaskgateError } from '@taskgate/core';
import type { PostgresBinaries } from './binaries.ts';

/** Whom the server runs as; `null`: as this process. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/** Where a server's files really are, once a user other than root must reach them. */
export interface ServerPlace {
  readonly account: ServerAccount | null;
  readonly dataDirectory: string;
  /** Folder that holds `bin`, `lib` and `share`. */
  readonly binaries: string;
}

/**
 * Postgres refuses to run as root. A root process gives the server to `postgres` or `nobody` (existing data stays with
 * its owner), and puts data and programs under `/var/lib/taskgate-<hash>` where that user could not reach them: a link
 * at `requested` then names the real place.
 */
export async function prepareServerPlace(
  requested: string,
  binaries: PostgresBinaries,
  log: (line: string) => void,
): Promise<ServerPlace> {
  const wanted = resolve(requested);
  await mkdir(dirname(wanted), { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return { account: null, dataDirectory: wanted, binaries: binaries.root };

  const base = `/var/lib/taskgate-${createHash('sha256').update(dirname(wanted)).digest('hex').slice(0, 12)}`;
  const dataDirectory = await placeData(wanted, base, log);
  const account = await ownerOf(dataDirectory);
  return { account, dataDirectory, binaries: await placeBinaries(binaries, base) };
}

async function placeData(wanted: string, base: string, log: (line: string) => void): Promise<string> {
  const existing = await lstat(wanted).catch(() => null);
  if (existing?.isSymbolicLink()) return resolve(dirname(wanted), await readlink(wanted));
  if (await passableByAll(dirname(wanted))) return wanted;
  if (existing) {
    throw new TaskgateError(
      'conflict',
      `\`${wanted}\` is in a folder that only root can enter, and the server cannot run as root: move it away, or choose another TASKGATE_HOME`,
    );
  }
  await mkdir(base, { recursive: true, mode: 0o755 });
  await chmod(base, 0o755);
  const real = join(base, basename(wanted));
  if (await stat(real).catch(() => null)) {
    // Its home was deleted, and with it the password. Never delete data that we cannot know to be unwanted.
    const aside = `${real}-left-${new Date()
      .toISOString()
      .replaceAll(/[^0-9]/g, '')
      .slice(0, 14)}`;
    await rename(real, aside);
    log(`data of an earlier home at the same path was kept as ${aside}`);
  }
  await symlink(real, wanted);
  return real;
}

async function placeBinaries(binaries: PostgresBinaries, base: string): Promise<string> {
  const program = await stat(join(binaries.root, 'bin', 'postgres'));
  const readable = (program.mode & 0o005) === 0o005 && (await passableByAll(binaries.root));
  if (readable && (await passableByAll(join(binaries.root, 'share')))) return binaries.root;
  const copy = join(base, `native-${binaries.version}`);
  if (await stat(copy).catch(() => null)) return copy;
  await mkdir(base, { recursive: true, mode: 0o755 });
  const partial = `${copy}.${process.pid}`;
  const umask = process.umask(0o022);
  try {
    await cp(binaries.root, partial, { recursive: true, verbatimSymlinks: true });
    await openToAll(partial);
  } finally {
    process.umask(umask);
  }
  try {
    await rename(partial, copy);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await stat(copy).catch(() => null))) throw error; // else another start was quicker
  }
  return copy;
}

/** Root's umask may have left the copied files to root alone. */
async function openToAll(path: string): Promise<void> {
  const info = await lstat(path);
  if (info.isSymbolicLink()) return;
  await chmod(path, info.mode | (info.isDirectory() || info.mode & 0o100 ? 0o055 : 0o044));
  if (!info.isDirectory()) return;
  for (const name of await readdir(path)) await openToAll(join(path, name));
}

async function passableByAll(directory: string): Promise<boolean> {
  for (let at = directory; ; at = dirname(at)) {
    const info = await stat(at).catch(() => null);
    if (info === null || (info.mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function ownerOf(dataDirectory: string): Promise<ServerAccount> {
  const info = await stat(dataDirectory).catch(() => null);
  if (info && info.uid !== 0) return { uid: info.uid, gid: info.gid };
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new TaskgateError(
    'not-supported',
    'the server cannot run as root, and there is no user `postgres` or `nobody`',
  );
}
