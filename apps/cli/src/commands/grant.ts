import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { GRANT_OPTIONS, grantRequest } from '../grant-options.ts';
import { type Activation, obtainGrant } from '../obtain-grant.ts';
import { oneArgument } from '../one-argument.ts';
import { printable } from '../printable.ts';

const USAGE = `usage: taskgate grant <task> [--reason R] [--ticket T] [--ttl D] [--json | --token] [--no-wait]
       taskgate grant <grant>    goes on with a request that was approved meanwhile

Asks for a grant of a task, waits for its approval where it needs one, and activates it.
  --ttl D      for how long, such as 30m or 2h; at most what the task allows
  --json       {"grantId", "token", "expiresAt", "connect": {"psql", "uri", "jdbc", ...}}
  --token      the token alone, for PGPASSWORD=$(taskgate grant <task> --token) psql ...
  --no-wait    fails instead of waiting for an approval, or for a passkey that confirms the activation`;

export const grant: Command = {
  usage: USAGE,
  run: async (cli, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: { ...GRANT_OPTIONS, json: { type: 'boolean' }, token: { type: 'boolean' } },
    });
    const name = oneArgument(positionals, 'the task (`taskgate tasks` lists them)', 'grant');
    if (values.json && values.token) throw new UsageError('`--json` and `--token` exclude each other');
    const wanted = name.startsWith('grt_') ? { grantId: name } : grantRequest(name, values);
    const activation = await obtainGrant(cli, requireSignIn(cli.env), wanted, values.wait);
    const { token, connect } = activation;
    if (values.token) cli.print(token);
    else if (values.json)
      cli.print(
        JSON.stringify({ grantId: activation.grant.id, token, expiresAt: activation.grant.expiresAt, connect }),
      );
    else cli.print(readable(activation));
    return undefined;
  },
};

function readable({ grant: { id, task, workflow, expiresAt }, token, connect }: Activation): string {
  return [
    printable(`${task ?? workflow} is open until ${expiresAt} (${id})`),
    '',
    `  token  ${token}`,
    '         shown this once: keep it now, it cannot be shown again',
    '',
    ...(connect === null
      ? ['  it opens nothing itself: the token starts the steps of the workflow']
      : [`  ${connect.psql}`, '  with the token as the password (PGPASSWORD)']),
    '',
    `  taskgate end ${id}`,
  ].join('\n');
}
