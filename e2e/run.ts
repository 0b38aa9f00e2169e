// The end-to-end tests: `node e2e/run.ts [vitest arguments]`. The last line is `N passed, N failed, N skipped`.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './system.ts';

const { readTally } = (await import(join(ROOT, 'scripts/test-tally.mjs'))) as {
  readTally: (file: string, name: string, code: number | null) => { readonly failed: number };
};

const scratch = mkdtempSync(join(tmpdir(), 'taskgate-e2e-report-'));
const file = process.env.TALLY_FILE ?? join(scratch, 'tally.json');
const child = spawn(
  join(ROOT, 'node_modules/.bin/vitest'),
  [
    'run',
    '--config',
    join(import.meta.dirname, 'vitest.config.ts'),
    '--reporter=default',
    `--reporter=${join(ROOT, 'scripts/tally-reporter.mjs')}`,
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, TALLY_FILE: file } },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
const tally = readTally(file, 'end to end', code);
rmSync(scratch, { recursive: true, force: true });
console.log(`${tally}`);
process.exitCode = tally.failed > 0 ? 1 : 0;
