import type { Id } from '@taskgate/core';
import { buildPrincipal } from '@taskgate/identity';
import type { UserActor } from '../context.ts';
import { groupsOf, type UserRow } from './user-view.ts';

/** The person as a caller. `limitedTo`: the scopes of the API token in use; `null` for a sign-in. */
export function toActor(
  row: UserRow,
  by: { readonly via: UserActor['via']; readonly viaId: string; readonly limitedTo: readonly string[] | null },
): UserActor {
  const { groups, roles, scopes } = buildPrincipal(groupsOf(row), by.limitedTo);
  return {
    kind: 'user',
    userId: row.id as Id<'usr'>,
    email: row.email,
    name: row.name,
    roles,
    groups,
    scopes,
    via: by.via,
    viaId: by.viaId,
  };
}
