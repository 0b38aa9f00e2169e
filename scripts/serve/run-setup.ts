import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { rotateLog } from './log-file.ts';

const SHOWN_LINES = 20;

/** What the set-up says it has prepared: one line of JSON, the last on its standard output. Any part may be missing. */
export interface SetupResult {
  readonly signIns?: readonly { readonly email: string; readonly groups?: readonly string[] }[];
  /** Where the command line is signed in already, and stays so: not here, or not as the demo's engineer. */
  readonly commandLine?: { readonly url: string; readonly email: string };
  /** For the first admin of an empty store without the demo; works once. */
  readonly setupUrl?: string;
  readonly setupToken?: string;
}

/** Runs the set-up (migrations, demo identities, resources and tasks) to its end. */
export async function runSetup(options: {
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logs: string;
  /** Ends it half-way. */
  readonly signal: AbortSignal;
}): Promise<SetupResult> {
  const logFile = rotateLog(options.logs, 'setup');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', options.script], {
    cwd: options.cwd,
    env: options.env,
    signal: options.signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  // The result may hold a one-time token: only the other output is kept.
  child.stderr.on('data', (chunk: Buffer) => writeFileSync(logFile, chunk, { flag: 'a' }));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    const words = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES);
    throw new Error(
      `setting up the store failed (exit code ${code}):\n${words.map((line) => `    ${line}`).join('\n')}`,
    );
  }
  return parseResult(stdout);
}

function parseResult(stdout: string): SetupResult {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return {};
  return JSON.parse(line) as SetupResult;
}
