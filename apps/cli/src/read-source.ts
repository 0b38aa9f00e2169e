import { readFileSync } from 'node:fs';
import { Failure } from './failure.ts';

/** The text of a file; `-` is standard input. */
export function readSource(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Failure(`there is no file \`${file}\``);
    throw new Failure(`\`${file}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
