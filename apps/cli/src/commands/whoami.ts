import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { noArgument } from '../one-argument.ts';
import { printable } from '../printable.ts';

export const whoami: Command = {
  usage: `usage: taskgate whoami [--json]

Shows who is signed in, with groups and roles.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
    noArgument(positionals, 'whoami');
    const { api, url } = requireSignIn(env);
    const me = await api.people.me();
    if (values.json) print(JSON.stringify({ url, ...me }));
    else
      print(
        printable(
          `${me.email} (${me.name}) at ${url}\ngroups: ${me.groups.join(', ') || 'none'}\nroles: ${me.roles.join(', ') || 'none'}`,
        ),
      );
    return undefined;
  },
};
