import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { oneArgument } from '../one-argument.ts';

export const end: Command = {
  usage: `usage: taskgate end <grant>

Ends a grant: its token and its connections with it.`,
  run: async ({ env, print }, args) => {
    const { positionals } = parseArgs({ args, allowPositionals: true });
    const id = oneArgument(positionals, 'the grant to end (`taskgate grants` lists yours)', 'end');
    const grant = await requireSignIn(env).api.grants.end({ id });
    print(`${grant.id} has ended (${grant.endReason})`);
    return undefined;
  },
};
