import { readFileSync } from 'node:fs';
import type { Cli } from './command.ts';
import { COMMANDS } from './command-list.ts';
import { readEnvironment } from './env.ts';
import { describeFailure, UsageError } from './failure.ts';
import { printable } from './printable.ts';

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error; // `taskgate sessions | head` is no failure
  });
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const { lines, code } = describeFailure(error);
  for (const line of lines) process.stderr.write(`${printable(line)}\n`);
  return code;
});

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V') {
    process.stdout.write(`taskgate ${version()}\n`);
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') return help(rest[0]);
  const entry = entryOf(name);
  if (beforeDashes(rest).some((word) => word === '--help' || word === '-h')) return help(name);
  const command = await entry.load();
  return (await command.run(createCli(), rest)) ?? 0;
}

function createCli(): Cli {
  return {
    env: readEnvironment(process.env),
    print: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${printable(text)}\n`),
  };
}

async function help(name: string | undefined): Promise<number> {
  if (name !== undefined) {
    const entry = entryOf(name);
    process.stdout.write(`${(await entry.load()).usage}\n`);
    return 0;
  }
  const names = Object.entries(COMMANDS).map(([command, { summary }]) => `  ${command.padEnd(9)} ${summary}`);
  process.stdout.write(
    [
      'usage: taskgate <command> [options]',
      '',
      ...names,
      '',
      'TASKGATE_URL and TASKGATE_TOKEN come before the kept sign-in.',
      '`taskgate help <command>` says more.',
      '',
    ].join('\n'),
  );
  return 0;
}

function entryOf(name: string) {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw new UsageError(`there is no command \`${name}\`; \`taskgate help\` lists them`);
  return entry;
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--');
  return at < 0 ? args : args.slice(0, at);
}

function version(): string {
  const manifest = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
