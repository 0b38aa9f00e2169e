import type { Directory, ScimToken } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { ServiceContext, Services } from '../context.ts';
import { FROM_DIRECTORY } from '../people/user-view.ts';
import { loadMappings } from '../providers/provider-row.ts';
import { requireScope } from '../require-scope.ts';

export type DirectoryView = z.infer<typeof Directory>;
export type ScimTokenView = z.infer<typeof ScimToken>;

/** Everything of a SCIM token but its hash. */
export const SCIM_TOKEN_SELECT = {
  id: true,
  name: true,
  adopts: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
  revokedAt: true,
} as const;

export function toScimTokenView(row: {
  readonly id: string;
  readonly name: string;
  readonly adopts: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}): ScimTokenView {
  return {
    id: row.id,
    name: row.name,
    adopts: row.adopts,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

export const scimAddressOf = (services: Pick<Services, 'settings'>): string => `${services.settings.webUrl}/scim/v2`;

const MAX_GROUPS = 500;

export async function loadDirectory(ctx: ServiceContext): Promise<DirectoryView> {
  requireScope(ctx, 'people:read');
  return readDirectory(ctx.services.db, ctx.services);
}

export async function readDirectory(db: Transaction, services: Services): Promise<DirectoryView> {
  const tokens = await db.scimToken.findMany({ select: SCIM_TOKEN_SELECT, orderBy: { createdAt: 'desc' }, take: 100 });
  const groups = await db.directoryGroup.findMany({
    select: { displayName: true, _count: { select: { members: true } } },
    orderBy: { displayName: 'asc' },
    take: MAX_GROUPS,
  });
  return {
    address: scimAddressOf(services),
    people: await db.directoryUser.count({ where: { removedAt: null } }),
    tokens: tokens.map(toScimTokenView),
    mappings: await loadMappings(db, FROM_DIRECTORY),
    seenGroups: groups.map(({ displayName, _count }) => ({ external: displayName, members: _count.members })),
  };
}
