import { parseArgs } from 'node:util';
import { formatDurationMs } from '@taskgate/core';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { noArgument } from '../one-argument.ts';
import { textTable } from '../printable.ts';

export const tasks: Command = {
  usage: `usage: taskgate tasks [--json]

Lists the tasks that you may see, and which of them you may activate.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
    noArgument(positionals, 'tasks');
    const list = await requireSignIn(env).api.tasks.list();
    if (values.json) print(JSON.stringify(list));
    else if (list.length === 0) print('there is no task that you may see; an admin makes them');
    else
      print(
        textTable(
          ['TASK', 'RESOURCE', 'YOU MAY', 'FOR', 'PURPOSE'],
          list.map((task) => [
            task.name,
            task.resource,
            !task.mayActivate
              ? `no: ${task.whyNot ?? 'not yours'}`
              : task.approvals
                ? `ask ${task.approvals.from.join(', ')}`
                : 'activate',
            formatDurationMs(task.ttlMs),
            task.purpose,
          ]),
        ),
      );
    return undefined;
  },
};
