import { type IdentityKind, MACHINE_SCOPES, type Scope } from '@taskgate/core';
import { buildPrincipal, type Principal } from '@taskgate/identity';
import type { Activator } from '@taskgate/policy';
import type { IdentityActor } from '../context.ts';
import { groupsOf, labelOf, type OwnRow, type UserRow } from './user-view.ts';

/** The identity as a caller. `limitedTo`: the scopes of the API token in use; `null` for a sign-in. */
export function toActor(
  row: UserRow,
  by: { readonly via: IdentityActor['via']; readonly viaId: string; readonly limitedTo: readonly string[] | null },
): IdentityActor {
  const { groups, roles, scopes } = principalOf(row, row.actsFor);
  const kept = scopes.filter((scope) => by.limitedTo === null || by.limitedTo.includes(scope));
  return {
    kind: row.kind as IdentityKind,
    identityId: row.id,
    email: labelOf(row),
    name: row.name,
    // The role `admin` is more than its scopes: a token that was given fewer is none of an admin's.
    roles: kept.length === scopes.length ? roles : [],
    groups,
    scopes: kept,
    tasks: row.tasks,
    actsFor: row.actsFor === null ? null : toActivator({ ...row.actsFor, actsFor: null }),
    via: by.via,
    viaId: by.viaId,
  };
}

/** A person has what their groups give; a machine its few scopes; an agent those of these that whom it acts for has. */
function principalOf(row: OwnRow, actsFor: OwnRow | null): Principal {
  if (row.kind === 'person') return buildPrincipal(groupsOf(row), null);
  const theirs: readonly Scope[] =
    row.kind === 'machine' ? MACHINE_SCOPES : actsFor === null ? [] : principalOf(actsFor, null).scopes;
  return { groups: [], roles: [], scopes: MACHINE_SCOPES.filter((scope) => theirs.includes(scope)) };
}

/** The row as it asks for tasks. */
export function toActivator(row: UserRow): Activator {
  return {
    kind: row.kind as IdentityKind,
    name: row.name,
    email: row.email ?? row.name,
    groups: row.kind === 'person' ? groupsOf(row).map(({ name }) => name) : [],
    tasks: row.tasks,
    actsFor: row.actsFor === null ? null : toActivator({ ...row.actsFor, actsFor: null }),
  };
}

/** The caller as they ask for tasks. */
export const activatorOf = ({ kind, name, email, groups, tasks, actsFor }: IdentityActor): Activator => ({
  kind,
  name,
  email: kind === 'person' ? email : name,
  groups,
  tasks,
  actsFor,
});

/** Whether their scopes of now let them ask for any task at all. */
export const mayRequest = (row: UserRow): boolean => principalOf(row, row.actsFor).scopes.includes('grant:request');
