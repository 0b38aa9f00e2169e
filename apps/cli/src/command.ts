import type { CliEnvironment } from './env.ts';

/** What a command is given to work with. */
export interface Cli {
  readonly env: CliEnvironment;
  /** One line (or block) of the answer. */
  readonly print: (text: string) => void;
  /** Progress and advice: never part of the answer. */
  readonly note: (text: string) => void;
}

/** One command. `run` gives the exit code: 0 unless it says otherwise; it throws what failed. */
export interface Command {
  readonly usage: string;
  readonly run: (cli: Cli, args: string[]) => Promise<number | undefined>;
}
