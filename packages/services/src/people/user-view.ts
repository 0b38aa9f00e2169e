import type { User } from '@taskgate/contracts';
import type { GroupRights } from '@taskgate/core';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';

export type UserView = z.infer<typeof User>;

/** Everything of a user but the password's hash. */
export const USER_SELECT = {
  id: true,
  kind: true,
  email: true,
  name: true,
  disabledAt: true,
  createdAt: true,
  lastSignInAt: true,
  memberships: { select: { group: { select: { name: true, roles: true, scopes: true, withheld: true } } } },
} as const;

export interface UserRow {
  readonly id: string;
  readonly kind: string;
  readonly email: string | null;
  readonly name: string;
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
  readonly memberships: readonly { readonly group: { readonly name: string } & GroupRights }[];
}

/** The address of a person; the name of a machine or an agent, which has none. */
export const labelOf = (row: { readonly email: string | null; readonly name: string }): string => row.email ?? row.name;

export const groupsOf = (row: Pick<UserRow, 'memberships'>): readonly ({ readonly name: string } & GroupRights)[] =>
  row.memberships.map(({ group }) => group);

export function toUserView(row: UserRow): UserView {
  const { groups, roles } = buildPrincipal(groupsOf(row), null);
  return {
    id: row.id,
    email: labelOf(row),
    name: row.name,
    groups: [...groups],
    roles: [...roles],
    disabledAt: row.disabledAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
  };
}
