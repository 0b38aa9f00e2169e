import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseDurationMs } from '@taskgate/core';
import type { Cli, Command } from '../command.ts';
import { type Exchanged, exchangeToken } from '../exchange-token.ts';
import { Failure, UsageError } from '../failure.ts';
import { serverUrl } from '../server-url.ts';
import { findSubjectToken, readTokenFile, type SubjectToken } from '../subject-token.ts';

const USAGE = `usage: taskgate exchange [<task> | <workflow>] [options]

Exchanges a token for a grant: for CI jobs, services and agents, and for the sub-tasks of a grant (RFC 8693). The token
is the first of: --subject-token-file, TASKGATE_GRANT_TOKEN (the grant this runs under), TASKGATE_ID_TOKEN,
GitHub Actions' own, TASKGATE_TOKEN. Without a task it asks for a narrower grant of the same task.
  --subject-token-file F    a JWT (such as a Kubernetes projected token), an API token or a grant's token
  --actor-token-file F      who acts for the subject: the token of an agent or a machine
  --audience A              which audience to ask GitHub for (default: the address of Taskgate)
  --narrow JSON | @FILE     {"allow": [...], "hold": [...], "mask": [...], "limits": {"rows": 100}}, as in a task
  --ttl D  --reason R  --ticket T
  --json                    {"grantId", "token", "expiresAt", "connect"}
  --token                   the token alone
  --no-wait                 fails instead of waiting for an approval`;

export const EXCHANGE_OPTIONS = {
  'subject-token-file': { type: 'string' },
  'actor-token-file': { type: 'string' },
  audience: { type: 'string' },
  narrow: { type: 'string' },
  ttl: { type: 'string' },
  reason: { type: 'string' },
  ticket: { type: 'string' },
  wait: { type: 'boolean', default: true },
} as const;

export interface ExchangeValues {
  readonly 'subject-token-file'?: string | undefined;
  readonly 'actor-token-file'?: string | undefined;
  readonly audience?: string | undefined;
  readonly narrow?: string | undefined;
  readonly ttl?: string | undefined;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
  readonly wait: boolean;
}

export const exchange: Command = {
  usage: USAGE,
  run: async (cli, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: { ...EXCHANGE_OPTIONS, json: { type: 'boolean' }, token: { type: 'boolean' } },
    });
    if (positionals.length > 1) throw new UsageError('`taskgate exchange` takes one task or workflow');
    if (values.json && values.token) throw new UsageError('`--json` and `--token` exclude each other');
    const exchanged = await exchangeByOptions(cli, positionals[0] ?? null, values);
    if (exchanged === null)
      throw new Failure(
        'there is no token to exchange: run this in a job with an ID token, name a file with `--subject-token-file`, or set TASKGATE_TOKEN',
      );
    const { grantId, token, expiresAt, connect } = exchanged.made;
    if (values.token) cli.print(token);
    else if (values.json) cli.print(JSON.stringify({ grantId, token, expiresAt, connect }));
    else
      cli.print(
        [
          `${grantId} is open until ${expiresAt}`,
          '',
          `  token  ${token}`,
          ...(connect ? ['', `  ${connect.psql}`] : []),
        ].join('\n'),
      );
    return undefined;
  },
};

/** The grant for the first token that is found, and where Taskgate is; `null` where there is no token. */
export async function exchangeByOptions(
  cli: Cli,
  target: string | null,
  values: ExchangeValues,
): Promise<{ readonly made: Exchanged; readonly url: string } | null> {
  const url = serverUrl(cli.env);
  const ttlMs = values.ttl === undefined ? null : parseDurationMs(values.ttl);
  if (values.ttl !== undefined && ttlMs === null)
    throw new UsageError(`\`${values.ttl}\` is not a time; write it as \`30m\`, \`2h\` or \`90s\``);
  const find = () =>
    findSubjectToken(cli.env, { file: values['subject-token-file'], audience: values.audience ?? url });
  const first = await find();
  if (first === null) return null;
  let used = false;
  const subject = async (): Promise<SubjectToken> => {
    if (!used) {
      used = true;
      return first;
    }
    return (await find()) ?? first;
  };
  const actorFile = values['actor-token-file'];
  const made = await exchangeToken(cli, url, {
    subject,
    actor: actorFile === undefined ? null : readTokenFile(actorFile),
    target,
    ttlSeconds: ttlMs === null ? null : Math.ceil(ttlMs / 1000),
    reason: values.reason ?? null,
    ticket: values.ticket ?? null,
    narrow: values.narrow === undefined ? null : readNarrowing(values.narrow),
    wait: values.wait,
  });
  return { made, url };
}

function readNarrowing(text: string): string {
  const json = text.startsWith('@') ? readText(text.slice(1)) : text;
  try {
    JSON.parse(json);
    return json;
  } catch (error) {
    throw new UsageError(`\`--narrow\` is not JSON: ${(error as Error).message}`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(`\`${path}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
