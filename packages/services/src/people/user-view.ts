import type { User } from '@taskgate/contracts';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';

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
  memberships: { select: { group: { select: { name: true, roles: true } } } },
  _count: { select: { passkeys: true } },
} as const;

/** Everything of a user but the password's hash; of an agent whom it acts for too. */
export const USER_SELECT = { ...OWN_SELECT, actsFor: { select: OWN_SELECT } } as const;

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
  readonly memberships: readonly { readonly group: { readonly name: string; readonly roles: readonly string[] } }[];
  readonly _count: { readonly passkeys: number };
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

export const groupsOf = (row: OwnRow): readonly { readonly name: string; readonly roles: readonly string[] }[] =>
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
    passkeys: row._count.passkeys,
  };
}
