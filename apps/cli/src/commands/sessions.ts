import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { noArgument } from '../one-argument.ts';
import { textTable } from '../printable.ts';

export const sessions: Command = {
  usage: `usage: taskgate sessions [--task T] [--person E] [--live] [--json]

Lists the sessions that you may see, the newest first.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        live: { type: 'boolean' },
        task: { type: 'string' },
        person: { type: 'string' },
      },
    });
    noArgument(positionals, 'sessions');
    const { items } = await requireSignIn(env).api.sessions.list({
      ...(values.task === undefined ? {} : { task: values.task }),
      ...(values.person === undefined ? {} : { person: values.person }),
      ...(values.live ? { live: 'true' } : {}),
    });
    if (values.json) print(JSON.stringify(items));
    else if (items.length === 0) print('there are no such sessions that you may see');
    else
      print(
        textTable(
          ['SESSION', 'TASK', 'PERSON', 'STARTED', 'STATE', 'STATEMENTS', 'REFUSED', 'HELD', 'MASKED'],
          items.map((session) => [
            session.id,
            session.task,
            session.person.email,
            session.startedAt,
            session.endedAt === null ? 'live' : `ended (${session.endReason ?? 'unknown'})`,
            String(session.operations),
            String(session.denied),
            String(session.held),
            String(session.maskedCells),
          ]),
        ),
      );
    return undefined;
  },
};
