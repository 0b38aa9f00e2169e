import type { Access } from '@taskgate/contracts';
import { ROLES, SCOPE_WORDS, SCOPES, SCOPES_OF_ROLE, scopesOfGroup } from '@taskgate/core';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { toPerson } from '../grants/person-ref.ts';
import { requireScope } from '../require-scope.ts';
import { GROUP_SELECT, toGroupView } from './group-view.ts';
import { groupsOf, USER_SELECT } from './user-view.ts';

export type AccessView = z.infer<typeof Access>;

const MAX_PEOPLE = 500;

/** Who may do what on the control plane: the table of roles, what each group makes of it, and who has it. */
export async function loadAccess(ctx: ServiceContext): Promise<AccessView> {
  requireScope(ctx, 'people:read');
  const { db } = ctx.services;
  const [groups, people] = await Promise.all([
    db.group.findMany({ orderBy: { name: 'asc' }, select: GROUP_SELECT }),
    db.identity.findMany({
      where: { kind: 'person', disabledAt: null, memberships: { some: {} } },
      orderBy: { name: 'asc' },
      take: MAX_PEOPLE,
      select: USER_SELECT,
    }),
  ]);
  return {
    scopes: SCOPES.map((name) => ({ name, words: SCOPE_WORDS[name] })),
    roles: ROLES.map((name) => ({ name, scopes: [...SCOPES_OF_ROLE[name]] })),
    groups: groups.map((row) => {
      const { name, roles, scopes: added, withheld, members } = toGroupView(row);
      return { name, roles, scopes: [...scopesOfGroup(row)], added, withheld, members: members.length };
    }),
    people: people.flatMap((row) => {
      const { groups: names, scopes } = buildPrincipal(groupsOf(row), null);
      return scopes.length === 0 ? [] : [{ person: toPerson(row), groups: [...names], scopes: [...scopes] }];
    }),
  };
}
