import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { SecretValue } from '@taskgate/core';

/** A sign-in of the command line, as it keeps it. */
export interface CliCredentials {
  readonly url: string;
  readonly token: SecretValue;
  readonly email: string;
}

/** `taskgate/credentials.json` in the user's configuration folder. */
export function cliCredentialsFile(environment: NodeJS.ProcessEnv): string {
  const folder = environment.XDG_CONFIG_HOME || path.join(homedir(), '.config');
  return path.join(folder, 'taskgate', 'credentials.json');
}

/** `null` where there is none; `unknown` where the file is not one of ours, and so not ours to write. */
export async function readCliCredentials(file: string): Promise<CliCredentials | 'unknown' | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return 'unknown';
    const { url, token, email } = value as Record<string, unknown>;
    if (typeof url !== 'string' || typeof token !== 'string' || typeof email !== 'string') return 'unknown';
    return { url, token: new SecretValue(token), email };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return 'unknown';
  }
}

/** Complete or not at all, and readable by its owner alone from its first byte on. */
export async function writeCliCredentials(file: string, credentials: CliCredentials): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  const { url, token, email } = credentials;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.chmod(0o600); // a draft that was left behind may have another mode
    await handle.writeFile(`${JSON.stringify({ url, token: token.reveal((text) => text), email }, null, 2)}\n`);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
