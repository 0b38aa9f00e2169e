import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Real client programs that tests drive, and the Debian package that holds each. */
const PACKAGES = { psql: 'postgresql-client-15', pgbench: 'postgresql-15', pgbouncer: 'pgbouncer' } as const;
export type ClientProgram = keyof typeof PACKAGES;

/** Path of a real client program, or `null` where it is not installed. */
export function findClientProgram(name: ClientProgram): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path) && runs(path)) ?? null;
}

/** Debian's wrappers in /usr/bin are there without the programs that they wrap. */
function runs(path: string): boolean {
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Path of the real psql; throws with how to install it. */
export const psqlPath = (): string => required('psql');

/** Path of the real pgbench; throws with how to install it. */
export const pgbenchPath = (): string => required('pgbench');

function required(name: ClientProgram): string {
  const path = findClientProgram(name);
  if (path === null) throw new Error(`\`${name}\` is not installed: apt-get install ${PACKAGES[name]}`);
  return path;
}
