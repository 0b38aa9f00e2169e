import type { Group } from '@taskgate/contracts';
import { ROLES, SCOPES } from '@taskgate/core';
import type * as z from 'zod';
import { PERSON_SELECT, toPerson } from '../grants/person-ref.ts';

export type GroupView = z.infer<typeof Group>;

export const GROUP_SELECT = {
  id: true,
  name: true,
  roles: true,
  scopes: true,
  withheld: true,
  memberships: {
    select: { source: true, user: { select: PERSON_SELECT } },
    orderBy: { user: { email: 'asc' } },
  },
} as const;

export interface GroupRow {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly withheld: readonly string[];
  readonly memberships: readonly {
    readonly source: string;
    readonly user: Parameters<typeof toPerson>[0];
  }[];
}

export function toGroupView(row: GroupRow): GroupView {
  return {
    id: row.id,
    name: row.name,
    roles: ROLES.filter((role) => row.roles.includes(role)),
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    withheld: SCOPES.filter((scope) => row.withheld.includes(scope)),
    members: [...new Map(row.memberships.map(({ user }) => [user.id, toPerson(user)])).values()],
  };
}
