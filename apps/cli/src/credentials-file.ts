import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.ts';

/** The sign-in that `taskgate login` keeps, in `<config folder>/credentials.json`. */
export interface KeptSignIn {
  readonly url: string;
  readonly token: string;
  readonly email: string;
  /** What the token is called at the server, so that signing out can revoke it. */
  readonly tokenName?: string;
}

const fileOf = (folder: string): string => join(folder, 'credentials.json');

/** `null` when nobody is signed in here. */
export function readSignIn(folder: string): KeptSignIn | null {
  let text: string;
  try {
    text = readFileSync(fileOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Failure(`\`${fileOf(folder)}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const value = JSON.parse(text) as Partial<KeptSignIn>;
    if (typeof value.url !== 'string' || typeof value.token !== 'string') throw new Error('incomplete');
    return {
      url: new URL(value.url).origin,
      token: value.token,
      email: value.email ?? '',
      ...(value.tokenName === undefined ? {} : { tokenName: value.tokenName }),
    };
  } catch {
    throw new Failure(`\`${fileOf(folder)}\` is damaged: sign in again with \`taskgate login\``);
  }
}

/** Replaces it whole; nobody but the owner can read it, at any moment. */
export function writeSignIn(folder: string, signIn: KeptSignIn): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${fileOf(folder)}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(signIn, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, fileOf(folder));
}

export function deleteSignIn(folder: string): void {
  rmSync(fileOf(folder), { force: true });
}
