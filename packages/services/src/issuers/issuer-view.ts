import type { Issuer } from '@taskgate/contracts';
import type { IssuerKind, KeySource } from '@taskgate/core';
import type { Prisma } from '@taskgate/db';
import type { IssuerTerms } from '@taskgate/identity';
import type * as z from 'zod';

export type IssuerView = z.infer<typeof Issuer>;

export const ISSUER_SELECT = {
  id: true,
  name: true,
  kind: true,
  url: true,
  audience: true,
  keySource: true,
  jwksUrl: true,
  jwks: true,
  skewMs: true,
  maxLifetimeMs: true,
  singleUse: true,
  privateNetwork: true,
  disabledAt: true,
  createdAt: true,
  _count: { select: { bindings: true } },
} as const satisfies Prisma.IssuerSelect;

export type IssuerRow = Prisma.IssuerGetPayload<{ select: typeof ISSUER_SELECT }>;

export function toIssuerView({ _count, ...row }: IssuerRow): IssuerView {
  return {
    ...row,
    kind: row.kind as IssuerKind,
    keySource: row.keySource as KeySource,
    disabledAt: row.disabledAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    bound: _count.bindings,
  };
}

/** What a token of it is verified by. */
export const toIssuerTerms = (row: IssuerRow): IssuerTerms => ({
  ...row,
  kind: row.kind as IssuerKind,
  keySource: row.keySource as KeySource,
});
