import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import type { CliEnvironment } from '../env.ts';
import { Failure, problemOf, UsageError } from '../failure.ts';
import { noArgument } from '../one-argument.ts';
import { readSource } from '../read-source.ts';
import { secretReferences } from '../secret-references.ts';

const USAGE = `usage: taskgate apply -f FILE

Applies a YAML file of Tasks, Workflows, Policies and Resources (parted by ---), all or nothing; - reads standard input.
A Resource's secret is a reference, \`env:NAME\` or \`file:PATH\` (from the file's own folder), read here and sealed there.`;

const MAX_SECRET_LENGTH = 4096;

export const apply: Command = {
  usage: USAGE,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { file: { type: 'string', short: 'f' }, json: { type: 'boolean' } },
    });
    noArgument(positionals, 'apply');
    if (!values.file) throw new UsageError('name the file: `taskgate apply -f FILE`');
    const file = values.file;
    const source = readSource(file);
    const secrets = readSecrets(source, file, env);
    const { api } = requireSignIn(env);
    try {
      const { applied } = await api.documents.apply({ source, secrets });
      if (values.json) print(JSON.stringify(applied));
      else
        for (const { kind, name, revision, outcome, warnings } of applied) {
          print(`${kind} ${name}${revision === null ? '' : ` revision ${revision}`}: ${outcome}`);
          for (const { position, message } of warnings)
            print(`${file}:${position?.line ?? 1}:${position?.column ?? 1} warning: ${message}`);
        }
    } catch (error) {
      const problems = problemOf(error)?.problems.filter(({ position }) => position !== null) ?? [];
      if (problems.length === 0) throw error;
      const lines = problems.map(({ position, message }) => `${file}:${position!.line}:${position!.column} ${message}`);
      throw new Failure(`${file} was not applied`, lines);
    }
    return undefined;
  },
};

function readSecrets(source: string, file: string, env: CliEnvironment): Record<string, string> {
  const secrets: Record<string, string> = {};
  const problems: string[] = [];
  for (const { resource, from, target, line, column } of secretReferences(source)) {
    const value = from === 'env' ? env.variable(target) : readSecretFile(file, target);
    if (value === null || value === '')
      problems.push(
        `${file}:${line}:${column} the secret of \`${resource}\` is not there: ${from === 'env' ? `set ${target}` : `\`${target}\` cannot be read or is empty`}`,
      );
    else if (value.length > MAX_SECRET_LENGTH)
      problems.push(`${file}:${line}:${column} the secret of \`${resource}\` is longer than ${MAX_SECRET_LENGTH}`);
    else secrets[resource] = value;
  }
  if (problems.length > 0) throw new Failure('a secret is missing', problems);
  return secrets;
}

/** Without the line's end that editors add. */
function readSecretFile(file: string, target: string): string | null {
  try {
    return readFileSync(resolve(file === '-' ? '.' : dirname(file), target), 'utf8').replace(/\r?\n$/, '');
  } catch {
    return null;
  }
}
