import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretValue } from '@taskgate/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMasterKey } from './master-key.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'taskgate-key-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));
const file = () => join(home, 'master.key');

describe('the master key', () => {
  it('is made at the first start, for its owner only, and read at the next', async () => {
    const key = await loadMasterKey({ home });
    expect(key).toHaveLength(32);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await loadMasterKey({ home })).toEqual(key);
    expect(await readdir(home)).toEqual(['master.key']);
  });

  it('is one, however many processes start first', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadMasterKey({ home })));
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
  });

  it.each([0o640, 0o604, 0o660, 0o644])('that others may read (mode %o) stops the start', async (mode) => {
    await loadMasterKey({ home });
    await chmod(file(), mode);
    await expect(loadMasterKey({ home })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('can be read by others'),
    });
  });

  it('behind a link is not followed', async () => {
    await writeFile(join(home, 'other'), Buffer.alloc(32).toString('base64'), { mode: 0o600 });
    await symlink(join(home, 'other'), file());
    await expect(loadMasterKey({ home })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('from the environment wins, and no file is made', async () => {
    const key = await loadMasterKey({ home, fromEnvironment: new SecretValue(Buffer.alloc(32, 7).toString('base64')) });
    expect(key).toEqual(new Uint8Array(32).fill(7));
    expect(await readdir(home)).toEqual([]);
  });

  it.each(['', 'short', Buffer.alloc(31).toString('base64'), `${Buffer.alloc(32).toString('base64')}AAAA`])(
    'that is not 32 bytes in base64 is refused, and not repeated: %j',
    async (text) => {
      const refusal = loadMasterKey({ home, fromEnvironment: new SecretValue(text) });
      await expect(refusal).rejects.toMatchObject({ code: 'bad-input' });
      if (text !== '') await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining(text) });
    },
  );

  it('that was damaged stops the start, and is not replaced', async () => {
    await writeFile(file(), 'damaged', { mode: 0o600 });
    await expect(loadMasterKey({ home })).rejects.toMatchObject({ code: 'bad-input' });
    expect(await readFile(file(), 'utf8')).toBe('damaged');
  });
});
