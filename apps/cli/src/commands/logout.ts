import { parseArgs } from 'node:util';
import { createApi } from '../api-client.ts';
import type { Command } from '../command.ts';
import { deleteSignIn, readSignIn } from '../credentials-file.ts';
import { noArgument } from '../one-argument.ts';

export const logout: Command = {
  usage: `usage: taskgate logout

Revokes the kept API token and forgets it.`,
  run: async ({ env, print, note }, args) => {
    noArgument(parseArgs({ args, allowPositionals: true }).positionals, 'logout');
    const kept = readSignIn(env.configFolder);
    if (kept === null) {
      print('nobody was signed in');
      return undefined;
    }
    deleteSignIn(env.configFolder);
    if (kept.tokenName !== undefined) {
      try {
        const api = createApi(kept.url, kept.token);
        const token = (await api.people.apiTokens()).find(({ name }) => name === kept.tokenName);
        if (token) await api.people.revokeApiToken({ id: token.id });
      } catch {
        note(`the token could not be revoked at ${kept.url}; it ends by itself, or revoke it in the settings there`);
      }
    }
    print(`signed out ${kept.email} at ${kept.url}`);
    return undefined;
  },
};
