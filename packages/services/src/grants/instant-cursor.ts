import { TaskgateError } from '@taskgate/core';

/** A place in a list that is ordered by instant and id, newest first. */
export interface InstantCursor {
  readonly at: Date;
  readonly id: string;
}

/** `null` at the start. A cursor is opaque to clients, so anything they made up is refused. */
export function readCursor(cursor: string | undefined): InstantCursor | null {
  if (cursor === undefined) return null;
  const match = /^(\d{1,15}) ([a-z]{3}_[0-9a-z]{26})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match === null) throw new TaskgateError('bad-input', 'this is not a cursor of this list; start without one');
  return { at: new Date(Number(match[1])), id: match[2]! };
}

function writeCursor(cursor: InstantCursor): string {
  return Buffer.from(`${cursor.at.getTime()} ${cursor.id}`, 'latin1').toString('base64url');
}

/** `rows` holds up to one more than `limit`: that one says that there is a next page. */
export function toPage<T>(
  rows: readonly T[],
  limit: number,
  place: (row: T) => InstantCursor,
): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? writeCursor(place(items.at(-1)!)) : null };
}
