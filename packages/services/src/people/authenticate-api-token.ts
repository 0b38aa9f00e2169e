import { SecretValue } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { IdentityActor, Services } from '../context.ts';
import { translateStoreError } from '../with-transaction.ts';
import { toActor } from './to-actor.ts';
import { isDisabled, USER_SELECT } from './user-view.ts';

const USED_EVERY_MS = 60_000;

/** Who `Authorization: Bearer` is: `null` when it is no token, or one that was revoked, has expired, or whose owner (or whom that one acts for) is disabled. */
export async function authenticateApiToken(services: Services, token: string): Promise<IdentityActor | null> {
  return isToken(token, 'api') ? findTokenActor(services, { hash: hashToken(new SecretValue(token)) }) : null;
}

/** Who that token stands for now, or `null`. */
export async function findTokenActor(
  services: Services,
  where: { readonly id: string } | { readonly hash: Uint8Array<ArrayBuffer> },
): Promise<IdentityActor | null> {
  const now = services.clock.now();
  try {
    const row = await services.db.apiToken.findUnique({
      where,
      select: {
        id: true,
        scopes: true,
        expiresAt: true,
        revokedAt: true,
        lastUsedAt: true,
        identity: { select: USER_SELECT },
      },
    });
    if (row === null || row.revokedAt !== null || row.expiresAt.getTime() <= now || isDisabled(row.identity))
      return null;
    if (row.lastUsedAt === null || now - row.lastUsedAt.getTime() >= USED_EVERY_MS)
      await services.db.apiToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: new Date(now) } });
    return toActor(row.identity, { via: 'api-token', viaId: row.id, limitedTo: row.scopes });
  } catch (error) {
    throw translateStoreError(error);
  }
}
