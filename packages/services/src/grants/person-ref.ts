import type { PersonRef } from '@taskgate/contracts';
import { isId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import { labelOf, NAMED_SELECT, type Named } from '../people/user-view.ts';

export type Person = z.infer<typeof PersonRef>;

/** What of a user anybody may see who sees something of theirs. */
export const PERSON_SELECT = { id: true, kind: true, ...NAMED_SELECT } as const;

/** A row as the API shows it: a machine has its name where a person has an address, an agent its name and for whom it acts. */
export const toPerson = (row: Named & { readonly id: string; readonly kind: string }): Person => ({
  id: row.id,
  kind: row.kind as Person['kind'],
  email: labelOf(row),
  name: row.name,
});

/** Stands for what the gate did by itself: a demo's installation, a timer. */
export const SYSTEM_PERSON: Person = { id: 'system', kind: 'system', email: 'system', name: 'Taskgate' };

/** People by id, in one query; whoever is not there any more is shown by their id. */
export async function loadPeople(db: Transaction, ids: Iterable<string | null>): Promise<(id: string) => Person> {
  const wanted = [...new Set(ids)].filter((id) => id !== null && id !== SYSTEM_PERSON.id) as string[];
  const users =
    wanted.length === 0 ? [] : await db.identity.findMany({ where: { id: { in: wanted } }, select: PERSON_SELECT });
  const byId = new Map(users.map((user) => [user.id, toPerson(user)]));
  const directories = wanted.filter((id) => isId(id, 'scm'));
  if (directories.length > 0)
    for (const { id, name } of await db.scimToken.findMany({ where: { id: { in: directories } } }))
      byId.set(id, { id, kind: 'system', email: `directory (${name})`, name });
  return (id) =>
    id === SYSTEM_PERSON.id ? SYSTEM_PERSON : (byId.get(id) ?? { id, kind: 'person', email: id, name: id });
}
