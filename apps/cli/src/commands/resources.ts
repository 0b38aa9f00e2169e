import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { textTable } from '../printable.ts';

export const resources: Command = {
  usage: `usage: taskgate resources [NAME] [--json]

Lists the resources and their second wall: whether each grant has a role of its own at
the target. With a name: what is lacking, as SQL to be run there by whoever may.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
    const [name] = positionals;
    const { api } = requireSignIn(env);
    const list = name === undefined ? await api.resources.list() : [await api.resources.get({ name })];
    if (values.json) print(JSON.stringify(name === undefined ? list : list[0]));
    else if (list.length === 0) print('there is no resource that you may see; an admin makes them');
    else
      print(
        textTable(
          ['RESOURCE', 'HOST', 'DATABASE', 'ROLES', 'SECOND WALL'],
          list.map((one) => [
            one.name,
            `${one.host}:${one.port}`,
            one.database,
            one.principals,
            one.principals === 'none' ? 'missing: turned off' : (one.wallTwo?.state ?? 'not looked at yet'),
          ]),
        ),
      );
    const wallTwo = name === undefined || values.json ? null : list[0]?.wallTwo;
    for (const { what, script } of wallTwo ? [...wallTwo.lacking, ...wallTwo.open] : [])
      print(`\n-- ${what}${script === null ? '' : `\n${script}`}`);
    return undefined;
  },
};
