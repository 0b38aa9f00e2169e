import { SecretValue, TaskgateError } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { ServiceContext, Services } from '../context.ts';
import { requireDirectoryRights } from '../directory/require-directory-rights.ts';
import { toActor } from '../people/to-actor.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { translateStoreError } from '../with-transaction.ts';

const USED_EVERY_MS = 60_000;

/**
 * The directory that presents this token: `null` when it is none, or was revoked, or has expired, or who made it is
 * disabled or could not make it now.
 */
export async function authenticateScimToken(services: Services, token: string): Promise<ServiceContext | null> {
  if (!isToken(token, 'scim')) return null;
  const now = services.clock.now();
  try {
    const row = await services.db.scimToken.findUnique({
      where: { hash: hashToken(new SecretValue(token)) },
      select: { id: true, adopts: true, createdById: true, expiresAt: true, revokedAt: true, lastUsedAt: true },
    });
    if (row === null || row.revokedAt !== null || row.expiresAt.getTime() <= now) return null;
    if (!(await mayStillMake(services, row))) {
      services.log.warn('a SCIM token is refused: who made it is disabled, or could not make it now', { id: row.id });
      return null;
    }
    if (row.lastUsedAt === null || now - row.lastUsedAt.getTime() >= USED_EVERY_MS)
      await services.db.scimToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: new Date(now) } });
    return { services, actor: { kind: 'system', via: 'scim', tokenId: row.id } };
  } catch (error) {
    throw translateStoreError(error);
  }
}

async function mayStillMake(
  services: Services,
  token: { readonly createdById: string | null; readonly adopts: boolean },
): Promise<boolean> {
  const { createdById } = token;
  const maker =
    createdById === null
      ? null
      : await services.db.identity.findUnique({ where: { id: createdById }, select: USER_SELECT });
  if (maker === null || maker.disabledAt !== null) return false;
  const actor = toActor(maker, { via: 'session', viaId: '', limitedTo: null });
  try {
    await requireDirectoryRights(services.db, { services, actor }, token);
    return true;
  } catch (error) {
    if (error instanceof TaskgateError && error.code === 'forbidden') return false;
    throw error;
  }
}
