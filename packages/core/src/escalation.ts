import { type GroupRights, type Scope, scopesOfGroup } from './role.ts';

/** What somebody has who wants to give or become something. */
export interface OwnRights {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly scopes: readonly Scope[];
}

export interface NamedRights extends GroupRights {
  readonly name: string;
  /** The name is a machine's, not a group's. */
  readonly machine?: boolean;
}

/**
 * Why somebody may not give these groups or become who is in them, or `null`. Whoever may change people gives nobody what
 * they do not have themself, and becomes nobody who has it: else `people:write` alone would be every scope there is, and
 * every task, approval and recording that goes by the name of a group. So they have all of a group's scopes, and are in
 * it. The role `admin` is trusted with all of it.
 */
export function whyEscalates(own: OwnRights, groups: readonly NamedRights[]): string | null {
  const more = whyMore(own, groups);
  if (more !== null || own.roles.includes('admin')) return more;
  const other = groups.find((group) => group.machine !== true && !own.groups.includes(group.name));
  return other === undefined ? null : `you are not in \`${other.name}\`; ${ASK}`;
}

/** For what only ends something, and makes nobody a member or anybody else: a scope of the groups is beyond one's own. */
export function whyMore(own: OwnRights, groups: readonly NamedRights[]): string | null {
  if (own.roles.includes('admin')) return null;
  for (const group of groups) {
    const beyond = beyondOf(own.scopes, group);
    if (beyond !== null) return `\`${group.name}\` gives ${beyond}, which you do not have; ${ASK}`;
  }
  return null;
}

/** For what is a way to become anybody at all. `what` says which. */
export const whyNotAdmin = (own: OwnRights, what: string): string | null =>
  own.roles.includes('admin') ? null : `${what}; ${ASK}`;

const ASK = 'ask somebody with the role `admin`';

function beyondOf(own: readonly Scope[], group: GroupRights): string | null {
  // The role is more than its scopes: it is what this check asks for.
  if (group.roles.includes('admin')) return 'the role `admin`';
  const scope = scopesOfGroup(group).find((one) => !own.includes(one));
  return scope === undefined ? null : `the scope \`${scope}\``;
}
