// Runs a program quietly: its output is shown only when it fails.

import { spawn } from 'node:child_process';

/** Of a long output the beginning and the end say most. */
const FIRST_LINES = 30;
const LAST_LINES = 30;

/**
 * Resolves when the program ends well; else throws an error whose message holds the last lines of its output.
 * `onLine` sees each line as it comes. The program ends with this process's SIGINT and SIGTERM.
 */
export async function runStep(name, command, args, { cwd, env, onLine } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...(env ?? process.env), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) keep(line);
    });
    stream.on('end', () => rest && keep(rest));
  }
  function keep(line) {
    lines.push(line);
    if (lines.length > FIRST_LINES + LAST_LINES) lines.splice(FIRST_LINES, 1);
    onLine?.(line);
  }
  const stop = (signal) => child.kill(signal);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ended) => resolve(ended));
    });
    if (code !== 0) throw new StepError(name, code ?? signal, lines);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** A step that failed; the message is for a person. */
export class StepError extends Error {
  constructor(name, ended, lines) {
    super(`${name} failed (${ended}):\n${lines.map((line) => `    ${line}`).join('\n')}`);
  }
}
