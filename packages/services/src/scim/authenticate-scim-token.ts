import { SecretValue } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { ServiceContext, Services } from '../context.ts';
import { translateStoreError } from '../with-transaction.ts';

const USED_EVERY_MS = 60_000;

/** The directory that presents this token: `null` when it is none, or was revoked, or has expired. */
export async function authenticateScimToken(services: Services, token: string): Promise<ServiceContext | null> {
  if (!isToken(token, 'scim')) return null;
  const now = services.clock.now();
  try {
    const row = await services.db.scimToken.findUnique({
      where: { hash: hashToken(new SecretValue(token)) },
      select: { id: true, expiresAt: true, revokedAt: true, lastUsedAt: true },
    });
    if (row === null || row.revokedAt !== null || row.expiresAt.getTime() <= now) return null;
    if (row.lastUsedAt === null || now - row.lastUsedAt.getTime() >= USED_EVERY_MS)
      await services.db.scimToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: new Date(now) } });
    return { services, actor: { kind: 'system', via: 'scim', tokenId: row.id } };
  } catch (error) {
    throw translateStoreError(error);
  }
}
