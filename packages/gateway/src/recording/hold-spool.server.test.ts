import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdSpool } from './hold-spool.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'taskgate-hold-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Another process that holds it, busy in one turn of its loop from then on, as one that hears nothing is. */
async function heldByAnother(spool: string): Promise<ChildProcess> {
  const script = `import { holdSpool } from ${JSON.stringify(path.join(import.meta.dirname, 'hold-spool.ts'))};
await holdSpool(${JSON.stringify(spool)}, 1);
process.stdout.write('held\\n', () => { for (;;); });`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}

describe('a spool', () => {
  it.each([
    ['short', () => path.join(folder, 'spool')],
    ['long', () => path.join(folder, 'a'.repeat(120), 'spool')],
  ])('with a %s path is not taken from a process of an earlier run that is still there', async (_, name) => {
    const spool = name();
    const other = await heldByAnother(spool);
    await expect(holdSpool(spool, 0, 200)).rejects.toThrow(/another gateway works in the spool/);
    const waiting = holdSpool(spool, 0);
    other.kill('SIGKILL');
    (await waiting).release();
  });

  it('is held by as many as one gateway has processes, and by the next run after they have ended', async () => {
    for (let run = 0; run < 2; run++) {
      const held = [await holdSpool(folder, 0), await holdSpool(folder, 1)];
      await expect(holdSpool(folder, 1)).rejects.toThrow(/EADDRINUSE/);
      for (const one of held) one.release();
    }
  });
});
