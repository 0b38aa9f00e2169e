import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { createApi } from '../api-client.ts';
import { askPassword } from '../ask-password.ts';
import type { Command } from '../command.ts';
import { readSignIn, writeSignIn } from '../credentials-file.ts';
import { UsageError } from '../failure.ts';
import { noArgument } from '../one-argument.ts';

const USAGE = `usage: taskgate login --email E

Signs in and keeps an API token for the commands that follow. The password comes from
TASKGATE_PASSWORD, or is asked for. TASKGATE_URL names the server (http://127.0.0.1:3000).`;

export const login: Command = {
  usage: USAGE,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { email: { type: 'string' } } });
    noArgument(positionals, 'login');
    if (!values.email) throw new UsageError('say who you are: `taskgate login --email you@example.com`');
    const url = env.url ?? readSignIn(env.configFolder)?.url ?? env.defaultUrl;
    const password = env.password ?? (await askPassword(`password of ${values.email} at ${url}: `));
    const tokenName = `cli on ${hostname().slice(0, 100)} ${randomBytes(4).toString('hex')}`;
    const { token, expiresAt, me } = await createApi(url, null).people.login({
      email: values.email,
      password,
      name: tokenName,
    });
    writeSignIn(env.configFolder, { url, token, email: me.email, tokenName });
    print(`signed in at ${url} as ${me.email} until ${expiresAt}`);
    return undefined;
  },
};
