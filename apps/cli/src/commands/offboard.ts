import { parseArgs } from 'node:util';
import { requireSignIn, type SignedIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { Failure, UsageError } from '../failure.ts';
import { oneArgument } from '../one-argument.ts';
import { printable } from '../printable.ts';

export const offboard: Command = {
  usage: `usage: taskgate offboard <e-mail | id> [--reason R --yes] [--json]

Shows all that a person (or by its id a machine or agent) can reach and all of it that
is alive. With --yes and a reason it is ended, in one deed: they are disabled, leave
their groups, and lose sign-ins, API tokens, grants and connections.`,
  run: async ({ env, print, note }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { reason: { type: 'string' }, yes: { type: 'boolean' }, json: { type: 'boolean' } },
    });
    const who = oneArgument(positionals, 'who leaves, by e-mail address or id', 'offboard');
    if (values.yes && !values.reason) throw new UsageError('give `--reason`: it is kept with all that is ended');
    const { api } = requireSignIn(env);
    const id = who.includes('@') ? await findPerson(api, who) : who;
    if (values.yes) {
      const ended = await api.people.offboard({ id, reason: values.reason! });
      if (values.json) print(JSON.stringify(ended));
      else
        print(
          printable(
            `${ended.identity.email} is offboarded (${ended.actId}): ${counts([
              [ended.sessions, 'connections'],
              [ended.grants.length, 'grants'],
              [ended.holds, 'held statements'],
              [ended.webSessions, 'sign-ins'],
              [ended.apiTokens, 'API tokens'],
              [ended.scimTokens, 'SCIM tokens'],
              [ended.agents.length, 'agents'],
              [ended.groups.length, 'groups'],
            ])}`,
          ),
        );
      return undefined;
    }
    const reach = await api.people.reach({ id });
    if (values.json) print(JSON.stringify(reach));
    else {
      print(printable(`${reach.identity.email}${reach.identity.disabledAt === null ? '' : ' (disabled)'}`));
      print(printable(`  tasks     ${reach.tasks.map((task) => task.name).join(', ') || 'none'}`));
      print(printable(`  resources ${reach.resources.join(', ') || 'none'}`));
      print(printable(`  groups    ${reach.groups.join(', ') || 'none'}`));
      print(printable(`  scopes    ${reach.scopes.join(', ') || 'none'}`));
      print(printable(`  agents    ${reach.agents.map((agent) => agent.name).join(', ') || 'none'}`));
      const alive = counts([
        [reach.sessions.length, 'connections'],
        [reach.grants.length, 'grants'],
        [reach.holds.length, 'held statements'],
        [reach.webSessions?.length ?? 0, 'sign-ins'],
        [reach.apiTokens?.length ?? 0, 'API tokens'],
        [reach.scimTokens?.length ?? 0, 'SCIM tokens'],
      ]);
      print(printable(`  alive     ${alive}`));
      if (reach.whyNotOffboard !== null) note(printable(`you may not end it: ${reach.whyNotOffboard}`));
    }
    note('nothing was ended; add `--yes --reason R` to end it');
    return undefined;
  },
};

async function findPerson(api: SignedIn['api'], email: string): Promise<string> {
  const { items } = await api.people.users({ q: email, limit: 200 });
  const found = items.find((user) => user.email === email.toLowerCase());
  if (found === undefined) throw new Failure(`there is nobody with the e-mail address \`${email}\``);
  return found.id;
}

function counts(of: readonly (readonly [number, string])[]): string {
  const there = of
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${count === 1 ? words.replace(/s$/, '') : words}`);
  return there.length === 0 ? 'nothing' : there.join(', ');
}
