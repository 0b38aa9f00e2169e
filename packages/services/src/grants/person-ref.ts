import type { PersonRef } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';

export type Person = z.infer<typeof PersonRef>;

/** What of a user anybody may see who sees something of theirs. */
export const PERSON_SELECT = { id: true, email: true, name: true } as const;

/** Stands for what the gate did by itself: a demo's installation, a timer. */
export const SYSTEM_PERSON: Person = { id: 'system', email: 'system', name: 'Taskgate' };

/** People by id, in one query; whoever is not there any more is shown by their id. */
export async function loadPeople(db: Transaction, ids: Iterable<string | null>): Promise<(id: string) => Person> {
  const wanted = [...new Set(ids)].filter((id) => id !== null && id !== SYSTEM_PERSON.id) as string[];
  const users =
    wanted.length === 0 ? [] : await db.user.findMany({ where: { id: { in: wanted } }, select: PERSON_SELECT });
  const byId = new Map(users.map((user) => [user.id, user]));
  return (id) => (id === SYSTEM_PERSON.id ? SYSTEM_PERSON : (byId.get(id) ?? { id, email: id, name: id }));
}
