import type { User } from '@taskgate/contracts';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';

/** Sources of memberships, beside the ids of sign-in providers. */
export const BY_HAND = 'hand';
export const FROM_DIRECTORY = 'scim';

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
  memberships: { select: { source: true, group: { select: { id: true, name: true, roles: true } } } },
} as const;

/** And how they sign in. Of the password only whether there is one goes any further. */
export const USER_VIEW_SELECT = {
  ...USER_SELECT,
  passwordHash: true,
  providerLinks: { select: { provider: { select: { id: true, name: true } } }, orderBy: { providerId: 'asc' } },
  directoryUser: { select: { removedAt: true } },
} as const;

export interface UserRow {
  readonly id: string;
  readonly kind: string;
  readonly email: string | null;
  readonly name: string;
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
  readonly memberships: readonly {
    readonly source: string;
    readonly group: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
  }[];
}

export interface UserViewRow extends UserRow {
  readonly passwordHash: string | null;
  readonly providerLinks: readonly { readonly provider: { readonly id: string; readonly name: string } }[];
  readonly directoryUser: { readonly removedAt: Date | null } | null;
}

/** The address of a person; the name of a machine or an agent, which has none. */
export const labelOf = (row: { readonly email: string | null; readonly name: string }): string => row.email ?? row.name;

/** Each group once, however many reasons there are to be in it. */
export const groupsOf = (row: UserRow): readonly { readonly name: string; readonly roles: readonly string[] }[] => [
  ...new Map(row.memberships.map(({ group }) => [group.id, group])).values(),
];

export function toUserView(row: UserViewRow): UserView {
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
    hasPassword: row.passwordHash !== null,
    givenGroups: givenGroups(row),
    providers: row.providerLinks.map(({ provider }) => provider.name),
    inDirectory: row.directoryUser !== null && row.directoryUser.removedAt === null,
  };
}

function givenGroups(row: UserViewRow): Record<string, string[]> {
  const given: Record<string, string[]> = {};
  for (const { source, group } of row.memberships) {
    if (source === BY_HAND) continue;
    const name = row.providerLinks.find(({ provider }) => provider.id === source)?.provider.name ?? FROM_DIRECTORY;
    given[group.name] = [...(given[group.name] ?? []), name];
  }
  return given;
}
