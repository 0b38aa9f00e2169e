import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { endQuietly } from '../end-quietly.ts';
import { Failure } from '../failure.ts';
import { findProgram } from '../find-program.ts';
import { GRANT_OPTIONS, grantRequest } from '../grant-options.ts';
import { obtainGrant } from '../obtain-grant.ts';
import { oneArgument } from '../one-argument.ts';
import { runProgram } from '../run-program.ts';

const USAGE = `usage: taskgate connect <task> [--reason R] [--ticket T] [--ttl D] [--keep] [--no-wait] [-- psql arguments]

Activates a task, runs psql under it, and ends the grant when psql ends.
  --keep    leaves the grant open`;

export const connect: Command = {
  usage: USAGE,
  run: async (cli, args) => {
    const dashes = args.indexOf('--');
    const own = dashes < 0 ? args : args.slice(0, dashes);
    const clientArgs = dashes < 0 ? [] : args.slice(dashes + 1);
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      allowNegative: true,
      options: { ...GRANT_OPTIONS, keep: { type: 'boolean' } },
    });
    const name = oneArgument(positionals, 'the task (`taskgate tasks` lists them)', 'connect');
    // Before anything is asked of anybody.
    const psql = findProgram('psql', cli.env.path);
    if (psql === null)
      throw new Failure(
        'psql is not installed: install the Postgres client (Debian: apt-get install postgresql-client), or use `taskgate grant` with a client of yours',
      );
    const signedIn = requireSignIn(cli.env);
    const wanted = name.startsWith('grt_') ? { grantId: name } : grantRequest(name, values);
    const { grant, token, connect: strings } = await obtainGrant(cli, signedIn, wanted, values.wait);
    if (strings === null)
      throw new Failure(`${grant.id} is of a workflow, which opens nothing itself; start one of its steps`);
    try {
      return await runProgram(psql, ['-d', strings.uri, ...clientArgs], cli.env.forClient({ PGPASSWORD: token }));
    } finally {
      if (values.keep)
        cli.note(`${grant.id} stays open until ${grant.expiresAt}; end it with \`taskgate end ${grant.id}\``);
      else await endQuietly(cli, grant.id, () => signedIn.api.grants.end({ id: grant.id }));
    }
  },
};
