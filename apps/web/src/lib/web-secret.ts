import 'server-only';
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { env } from '@/env.ts';

let secret: Promise<string> | null = null;

/** Signs the browser's cookies: from the environment, else made once and kept in the home, for its owner only. */
export function webSecret(): Promise<string> {
  secret ??= load().catch((error: unknown) => {
    secret = null;
    throw error;
  });
  return secret;
}

async function load(): Promise<string> {
  const settings = env();
  if (settings.webSecret !== null) return settings.webSecret;
  const file = path.join(/* turbopackIgnore: true */ settings.home, 'web.secret');
  const read = async (): Promise<string | null> => {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  const known = await read();
  if (known !== null && known.length >= 32) return known;
  await mkdir(settings.home, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  try {
    // Two processes may start at once: the first link wins, and both read the same secret.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await read();
  if (made === null || made.length < 32) throw new Error('the secret of the web could not be written');
  return made;
}
