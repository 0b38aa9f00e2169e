import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { oneArgument } from '../one-argument.ts';
import { printable } from '../printable.ts';

export const rotate: Command = {
  usage: `usage: taskgate rotate <resource> [--json]

Sets a new password of the resource's credential at the target, tries it over a new
connection, and keeps it sealed. Open sessions go on. What fails leaves the password of
before in use: exit code 1.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
    const name = oneArgument(positionals, 'the resource (`taskgate resources` lists them)', 'rotate');
    const result = await requireSignIn(env).api.resources.rotate({ name });
    if (values.json) print(JSON.stringify(result));
    else {
      for (const step of result.steps) print(printable(`${step.ok ? 'ok' : 'failed'}  ${step.name}: ${step.message}`));
      print(result.ok ? `the password of ${name} was rotated` : 'the password of before is still in use');
    }
    return result.ok ? 0 : 1;
  },
};
