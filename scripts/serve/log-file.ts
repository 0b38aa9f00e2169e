import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const KEPT_STARTS = 3;
const TAIL_BYTES = 8192;

/** Starts a new `<name>.log` (mode 0600) and keeps those of the last starts as `<name>.1.log` and so on. */
export function rotateLog(folder: string, name: string): string {
  const path = (age: number): string => join(folder, age === 0 ? `${name}.log` : `${name}.${age}.log`);
  for (let age = KEPT_STARTS - 1; age >= 0; age--) if (existsSync(path(age))) renameSync(path(age), path(age + 1));
  closeSync(openSync(path(0), 'a', 0o600));
  return path(0);
}

/** The last `count` lines of a log. */
export function lastLines(path: string, count: number): readonly string[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-count);
  } finally {
    closeSync(file);
  }
}
