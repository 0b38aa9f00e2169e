import type { User } from '@taskgate/contracts';
import type { GroupRights } from '@taskgate/core';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';

/** Sources of memberships, beside the ids of sign-in providers. */
export const BY_HAND = 'hand';
export const FROM_DIRECTORY = 'scim';

export type UserView = z.infer<typeof User>;

const OWN_SELECT = {
  id: true,
  kind: true,
  email: true,
  name: true,
  tasks: true,
  disabledAt: true,
  createdAt: true,
  lastSignInAt: true,
  memberships: {
    select: { source: true, group: { select: { id: true, name: true, roles: true, scopes: true, withheld: true } } },
  },
} as const;

/** Everything of a user but the password's hash; of an agent whom it acts for too. */
export const USER_SELECT = { ...OWN_SELECT, actsFor: { select: OWN_SELECT } } as const;

/** And how they sign in. Of the password only whether there is one goes any further. */
export const USER_VIEW_SELECT = {
  ...USER_SELECT,
  _count: { select: { passkeys: true } },
  passwordHash: true,
  providerLinks: { select: { provider: { select: { id: true, name: true } } }, orderBy: { providerId: 'asc' } },
  lockedByHand: true,
  directoryUser: { select: { active: true, removedAt: true } },
} as const;

export interface UserRow extends OwnRow {
  readonly actsFor: OwnRow | null;
}

export interface OwnRow {
  readonly id: string;
  readonly kind: string;
  readonly email: string | null;
  readonly name: string;
  readonly tasks: readonly string[];
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
  readonly memberships: readonly {
    readonly source: string;
    readonly group: { readonly id: string; readonly name: string } & GroupRights;
  }[];
}

export interface UserViewRow extends UserRow {
  readonly _count: { readonly passkeys: number };
  readonly passwordHash: string | null;
  readonly providerLinks: readonly { readonly provider: { readonly id: string; readonly name: string } }[];
  readonly lockedByHand: boolean;
  readonly directoryUser: { readonly active: boolean; readonly removedAt: Date | null } | null;
}

/** What a row must have to be named. */
export interface Named {
  readonly email: string | null;
  readonly name: string;
  readonly actsFor: { readonly email: string | null; readonly name: string } | null;
}
export const NAMED_SELECT = {
  email: true,
  name: true,
  actsFor: { select: { email: true, name: true } },
} as const;

/** The address of a person, the name of a machine; an agent is never named without whom it acts for. */
export const labelOf = ({ email, name, actsFor }: Named): string =>
  actsFor === null ? (email ?? name) : `${name} for ${actsFor.email ?? actsFor.name}`;

/** Whether nothing may be done as them: disabled themselves, or whom they act for. */
export const isDisabled = (row: {
  readonly disabledAt: Date | null;
  readonly actsFor: { readonly disabledAt: Date | null } | null;
}): boolean => row.disabledAt !== null || (row.actsFor !== null && row.actsFor.disabledAt !== null);

/** Each group once, however many reasons there are to be in it. */
export const groupsOf = (row: Pick<OwnRow, 'memberships'>): readonly ({ readonly name: string } & GroupRights)[] => [
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
    passkeys: row._count.passkeys,
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
