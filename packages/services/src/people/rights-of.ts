import { MACHINE_SCOPES, type NamedRights } from '@taskgate/core';
import { groupsOf, type OwnRow, type UserRow } from './user-view.ts';

/**
 * What whoever can be this identity has, for {@link requireNoEscalation}: of a person what their groups give, of a machine
 * the few scopes of machines, and of an agent all of whom it acts for, as it is done in their name.
 */
export function rightsOf(row: UserRow): readonly NamedRights[] {
  return ownRightsOf(row.actsFor ?? row);
}

function ownRightsOf(row: OwnRow): readonly NamedRights[] {
  if (row.kind === 'person') return groupsOf(row);
  return [{ name: row.name, roles: [], scopes: [...MACHINE_SCOPES], withheld: [], machine: true }];
}
