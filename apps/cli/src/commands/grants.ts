import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import type { Grant } from '../obtain-grant.ts';
import { noArgument } from '../one-argument.ts';
import { textTable } from '../printable.ts';

/** `1204/10000 rows, 12/500 statements`: of what is limited. */
function usedOf(budget: Grant['budget']): string {
  const shown = budget.filter(({ limit }) => limit !== null);
  return shown
    .map(({ dimension, used, limit }) => `${used}/${limit} ${dimension === 'duration' ? 'ms' : dimension}`)
    .join(', ');
}

export const grants: Command = {
  usage: `usage: taskgate grants [--all] [--json]

Lists your grants, the newest first; with --all those of others that you may see too.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean' }, all: { type: 'boolean' } },
    });
    noArgument(positionals, 'grants');
    const { items } = await requireSignIn(env).api.grants.list(values.all ? {} : { mine: 'true' });
    if (values.json) print(JSON.stringify(items));
    else if (items.length === 0) print('there are no grants; `taskgate grant <task>` asks for one');
    else
      print(
        textTable(
          ['GRANT', 'OF', 'STATE', 'UNTIL', 'BY', 'USED', 'REASON'],
          items.map((grant) => [
            grant.id,
            grant.task ?? grant.workflow ?? '',
            grant.endReason === null ? grant.state : `${grant.state} (${grant.endReason})`,
            grant.expiresAt ?? grant.requestExpiresAt,
            grant.requestedBy.email,
            usedOf(grant.budget),
            grant.reason ?? '',
          ]),
        ),
      );
    return undefined;
  },
};
