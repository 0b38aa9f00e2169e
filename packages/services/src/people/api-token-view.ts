import type { ApiToken } from '@taskgate/contracts';
import type { Scope } from '@taskgate/core';
import type * as z from 'zod';
import { labelOf, NAMED_SELECT, type Named } from './user-view.ts';

export type ApiTokenView = z.infer<typeof ApiToken>;

/** Everything of an API token but its hash. */
export const API_TOKEN_SELECT = {
  id: true,
  identityId: true,
  name: true,
  scopes: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
  revokedAt: true,
  identity: { select: NAMED_SELECT },
} as const;

export interface ApiTokenRow {
  readonly id: string;
  readonly identityId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  readonly identity: Named;
}

export function toApiTokenView(row: ApiTokenRow): ApiTokenView {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes as Scope[], // written from the same closed list
    owner: labelOf(row.identity),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
