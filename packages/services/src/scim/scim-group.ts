import { isId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { isObject, type ScimJson, valueAt } from './apply-patch.ts';
import { ScimError } from './scim-error.ts';
import { textOf } from './scim-user.ts';

export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';

export interface ParsedScimGroup {
  readonly displayName: string;
  readonly externalId: string | null;
  /** Ids of users, each once. */
  readonly members: readonly string[];
}

const MAX_MEMBERS = 10_000;

/** Throws {@link ScimError}. */
export function parseScimGroup(body: ScimJson): ParsedScimGroup {
  const displayName = textOf(body, 'displayName');
  if (displayName === null) throw new ScimError(400, 'invalidValue', '`displayName` is missing');
  const listed = valueAt(body, 'members') ?? [];
  if (!Array.isArray(listed) || listed.length > MAX_MEMBERS)
    throw new ScimError(400, 'invalidValue', `\`members\` must be a list of at most ${MAX_MEMBERS}`);
  const members = listed.map((member) => {
    const value = isObject(member) ? valueAt(member, 'value') : member;
    if (!isId(value, 'usr')) throw new ScimError(400, 'invalidValue', 'a member must be a user of this service');
    return value;
  });
  return { displayName, externalId: textOf(body, 'externalId'), members: [...new Set<string>(members)] };
}

/** Throws `invalidValue` for whoever is not the directory's. */
export async function requireMembers(tx: Transaction, ids: readonly string[]): Promise<void> {
  const found = await tx.directoryUser.findMany({
    where: { identityId: { in: [...ids] }, removedAt: null },
    select: { identityId: true },
  });
  const known = new Set(found.map(({ identityId }) => identityId));
  const missing = ids.find((id) => !known.has(id));
  if (missing !== undefined) throw new ScimError(400, 'invalidValue', `there is no user \`${missing}\``);
}

export const DIRECTORY_GROUP_SELECT = {
  id: true,
  displayName: true,
  externalId: true,
  createdAt: true,
  updatedAt: true,
} as const;
export const DIRECTORY_MEMBERS_SELECT = {
  members: {
    select: { identityId: true, user: { select: { userName: true } } },
    orderBy: { identityId: 'asc' },
  },
} as const;

export interface DirectoryGroupRow {
  readonly id: string;
  readonly displayName: string;
  readonly externalId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly members?: readonly { readonly identityId: string; readonly user: { readonly userName: string } }[];
}

/** What a PATCH starts from. */
export function toGroupDocument(row: DirectoryGroupRow): ScimJson {
  return {
    displayName: row.displayName,
    ...(row.externalId === null ? {} : { externalId: row.externalId }),
    members: (row.members ?? []).map(({ identityId }) => ({ value: identityId })),
  };
}

export function toScimGroup(row: DirectoryGroupRow, address: string): ScimJson {
  return {
    schemas: [GROUP_SCHEMA],
    id: row.id,
    ...(row.externalId === null ? {} : { externalId: row.externalId }),
    displayName: row.displayName,
    ...(row.members === undefined
      ? {}
      : {
          members: row.members.map(({ identityId, user }) => ({
            value: identityId,
            display: user.userName,
            type: 'User',
            $ref: `${address}/Users/${identityId}`,
          })),
        }),
    meta: {
      resourceType: 'Group',
      created: row.createdAt.toISOString(),
      lastModified: row.updatedAt.toISOString(),
      location: `${address}/Groups/${row.id}`,
    },
  };
}
