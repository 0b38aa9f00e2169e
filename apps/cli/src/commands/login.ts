import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { createApi } from '../api-client.ts';
import { askPassword } from '../ask-password.ts';
import type { Command } from '../command.ts';
import { writeSignIn } from '../credentials-file.ts';
import { deviceSignIn } from '../device-sign-in.ts';
import { UsageError } from '../failure.ts';
import { noArgument } from '../one-argument.ts';
import { serverUrl } from '../server-url.ts';

const USAGE = `usage: taskgate login              shows a link and a code: allow it in the browser, with any sign-in
       taskgate login --email E    with a password, from TASKGATE_PASSWORD or asked for

Keeps an API token for the commands that follow. TASKGATE_URL names the server (http://127.0.0.1:3000).`;

export const login: Command = {
  usage: USAGE,
  run: async (cli, args) => {
    const { env, print } = cli;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { email: { type: 'string' } } });
    noArgument(positionals, 'login');
    const url = serverUrl(env);
    if (values.email === '') throw new UsageError('`--email` needs an address');
    const tokenName = `cli on ${hostname().slice(0, 80)} ${randomBytes(4).toString('hex')}`;
    if (values.email === undefined) {
      const made = await deviceSignIn(cli, url, tokenName);
      writeSignIn(env.configFolder, { url, token: made.token, email: made.email, tokenName: made.tokenName });
      const until = new Date(Date.now() + made.expiresInSeconds * 1000).toISOString();
      print(`signed in at ${url} as ${made.email} until ${until}`);
      return undefined;
    }
    const password = env.password ?? (await askPassword(`password of ${values.email} at ${url}: `));
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
