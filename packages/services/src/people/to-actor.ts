import type { IdentityKind } from '@taskgate/core';
import { buildPrincipal } from '@taskgate/identity';
import type { IdentityActor } from '../context.ts';
import { groupsOf, labelOf, type UserRow } from './user-view.ts';

/** The identity as a caller. `limitedTo`: the scopes of the API token in use; `null` for a sign-in. */
export function toActor(
  row: UserRow,
  by: { readonly via: IdentityActor['via']; readonly viaId: string; readonly limitedTo: readonly string[] | null },
): IdentityActor {
  const { groups, roles, scopes } = buildPrincipal(groupsOf(row), by.limitedTo);
  return {
    kind: row.kind as IdentityKind,
    identityId: row.id,
    email: labelOf(row),
    name: row.name,
    roles,
    groups,
    scopes,
    via: by.via,
    viaId: by.viaId,
  };
}
