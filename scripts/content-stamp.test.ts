import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashFiles, listSourceFiles, runUnlessStamped } from './content-stamp.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stamp-'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/a.ts'), 'a');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hash = (): string => hashFiles(folder, listSourceFiles(folder));

describe('a stamped step', () => {
  it('runs once for the same contents, and again when one changes, comes or goes', async () => {
    let runs = 0;
    const step = () =>
      runUnlessStamped(join(folder, 'dist/.stamp'), hash(), async () => {
        runs++;
      });
    expect([await step(), await step()]).toEqual([true, false]);
    writeFileSync(join(folder, 'src/a.ts'), 'b');
    await step();
    writeFileSync(join(folder, 'src/c.ts'), '');
    await step();
    rmSync(join(folder, 'src/c.ts'));
    await step();
    expect(runs).toBe(4);
  });

  it('runs again after a failure, and after its result was deleted', async () => {
    const stamp = join(folder, 'dist/.stamp');
    const works = async () => undefined;
    const fails = async () => {
      throw new Error('half way');
    };
    await runUnlessStamped(stamp, 'one', works);
    await expect(runUnlessStamped(stamp, 'two', fails)).rejects.toThrow('half way');
    expect(await runUnlessStamped(stamp, 'one', works)).toBe(true);
    rmSync(join(folder, 'dist'), { recursive: true });
    expect(await runUnlessStamped(stamp, 'one', works)).toBe(true);
  });

  it('does not look at tests, results and dependencies', () => {
    const before = hash();
    for (const name of ['node_modules/x.js', '.next/y.js', 'src/generated/z.ts', 'src/a.test.ts']) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), 'x');
    }
    expect(hash()).toBe(before);
  });
});
