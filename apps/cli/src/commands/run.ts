import { parseArgs } from 'node:util';
import { createApi, requireSignIn } from '../api-client.ts';
import type { Cli, Command } from '../command.ts';
import { endQuietly } from '../end-quietly.ts';
import type { Exchanged } from '../exchange-token.ts';
import { UsageError } from '../failure.ts';
import { grantRequest } from '../grant-options.ts';
import { obtainGrant } from '../obtain-grant.ts';
import { runProgram } from '../run-program.ts';
import { EXCHANGE_OPTIONS, type ExchangeValues, exchangeByOptions } from './exchange.ts';

const USAGE = `usage: taskgate run --task T [options] -- COMMAND [arguments]
       taskgate run --workflow W [options] -- COMMAND [arguments]
       taskgate run --narrow JSON [options] -- COMMAND [arguments]    inside of another: the same task, narrower

Runs a command under a grant, and ends the grant with it: completed where the command's exit code is 0, else failed.
The command gets PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD, and TASKGATE_GRANT_TOKEN, with which
\`taskgate exchange\` and \`taskgate run\` inside of it make sub-tasks. The grant is had by a token of the job, as
\`taskgate exchange\` finds one, else by the sign-in. Options are those of \`taskgate exchange\`.`;

export const run: Command = {
  usage: USAGE,
  run: async (cli, args) => {
    const dashes = args.indexOf('--');
    if (dashes < 0) throw new UsageError('name the command after `--`: `taskgate run --task T -- ./report.sh`');
    const { values, positionals } = parseArgs({
      args: args.slice(0, dashes),
      allowPositionals: true,
      allowNegative: true,
      options: { ...EXCHANGE_OPTIONS, task: { type: 'string' }, workflow: { type: 'string' } },
    });
    if (positionals.length > 0) throw new UsageError('name the task with `--task`, and the command after `--`');
    if (values.task !== undefined && values.workflow !== undefined)
      throw new UsageError('`--task` and `--workflow` exclude each other');
    const target = values.task ?? values.workflow ?? null;
    const [program, ...rest] = args.slice(dashes + 1);
    if (program === undefined) throw new UsageError('there is no command after `--`');

    const { made, url } = await openGrant(cli, target, values.workflow !== undefined, values);
    const { connect } = made;
    const code = await runProgram(
      program,
      rest,
      cli.env.forClient({
        TASKGATE_URL: url,
        TASKGATE_GRANT: made.grantId,
        TASKGATE_GRANT_TOKEN: made.token,
        ...(connect === null
          ? {}
          : {
              PGHOST: connect.host,
              PGPORT: String(connect.port),
              PGUSER: connect.user,
              PGDATABASE: connect.database,
              PGPASSWORD: made.token,
            }),
      }),
    ).catch(async (error: unknown) => {
      await end(cli, url, made, 127);
      throw error;
    });
    await end(cli, url, made, code);
    return code;
  },
};

async function openGrant(
  cli: Cli,
  target: string | null,
  isWorkflow: boolean,
  values: ExchangeValues,
): Promise<{ readonly made: Exchanged; readonly url: string }> {
  const exchanged = await exchangeByOptions(cli, target, values);
  if (exchanged !== null) return exchanged;
  if (target === null) throw new UsageError('say what it is for: `taskgate run --task T -- COMMAND`');
  if (values.narrow !== undefined) throw new UsageError('`--narrow` needs a token to exchange; set TASKGATE_TOKEN');
  const signedIn = requireSignIn(cli.env);
  const { task, ...wish } = grantRequest(target, values);
  const activation = await obtainGrant(
    cli,
    signedIn,
    isWorkflow ? { workflow: task, ...wish } : { task, ...wish },
    values.wait,
  );
  const { grant, token, connect } = activation;
  return { made: { grantId: grant.id, token, expiresAt: grant.expiresAt!, connect }, url: signedIn.url };
}

const end = (cli: Cli, url: string, { grantId, token }: Exchanged, exitCode: number): Promise<void> =>
  endQuietly(cli, grantId, () =>
    // By the grant's own token: it outlives no sign-in, and needs none.
    createApi(url, token).grants.end({
      id: grantId,
      outcome: exitCode === 0 ? 'completed' : 'failed',
      exitCode: Math.min(exitCode, 255),
    }),
  );
