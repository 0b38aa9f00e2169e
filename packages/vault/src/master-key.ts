import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type SecretValue, TaskgateError } from '@taskgate/core';
import { MASTER_KEY_BYTES } from './vault.ts';

const FILE_NAME = 'master.key';

/**
 * The master key (32 bytes): `fromEnvironment` (base64) where set, else the file `master.key` in `home`, made at the
 * first start with mode 0600. Throws `bad-input` when it is not a key, and `forbidden` when anybody but the owner may
 * read the file: whoever could read it could open every credential.
 */
export async function loadMasterKey(options: {
  readonly home: string;
  readonly fromEnvironment?: SecretValue | undefined;
}): Promise<Uint8Array> {
  if (options.fromEnvironment)
    return options.fromEnvironment.reveal((text) => decodeKey(text, '`TASKGATE_MASTER_KEY`'));
  const path = join(options.home, FILE_NAME);
  return (await readKeyFile(path)) ?? (await createKeyFile(options.home, path));
}

async function readKeyFile(path: string): Promise<Uint8Array | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // A link could point the key at a file that somebody else chose.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new TaskgateError('forbidden', `the master key \`${path}\` cannot be read; check its owner and mode`, {
      cause,
    });
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0)
      throw new TaskgateError(
        'forbidden',
        `the master key \`${path}\` can be read by others; run \`chmod 600\` on it, and rotate it if anybody may have`,
      );
    return decodeKey(await file.readFile('utf8'), `\`${path}\``);
  } finally {
    await file.close();
  }
}

async function createKeyFile(home: string, path: string): Promise<Uint8Array> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const key = randomBytes(MASTER_KEY_BYTES);
  // Complete before it has its name, and never over another: of two first starts one key wins.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${key.toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return new Uint8Array(key);
  } catch (error) {
    const other = await readKeyFile(path);
    if (other) return other;
    throw error;
  } finally {
    await unlink(draft);
  }
}

function decodeKey(text: string, where: string): Uint8Array {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  if (key.length !== MASTER_KEY_BYTES || key.toString('base64') !== trimmed)
    throw new TaskgateError(
      'bad-input',
      `${where} is not ${MASTER_KEY_BYTES} bytes in base64; make one with \`openssl rand -base64 32\``,
    );
  return new Uint8Array(key);
}
