import { isId } from '@taskgate/core';
import type { IdentityActor, Services } from '../context.ts';
import { translateStoreError } from '../with-transaction.ts';
import { toActor } from './to-actor.ts';
import { USER_SELECT } from './user-view.ts';
import { standingWebSessions } from './web-session-life.ts';

const SEEN_EVERY_MS = 60_000;

/**
 * Who a sign-in is, now: `null` when it has ended, is too old or idle, or the person was disabled. Groups and scopes are
 * today's, not those at sign-in. Asked for every request.
 */
export async function checkWebSession(services: Services, webSessionId: unknown): Promise<IdentityActor | null> {
  if (!isId(webSessionId, 'web')) return null;
  const now = services.clock.now();
  try {
    const session = await services.db.webSession.findFirst({
      where: { id: webSessionId, ...standingWebSessions(now), user: { disabledAt: null } },
      select: { lastSeenAt: true, user: { select: USER_SELECT } },
    });
    if (session === null) return null;
    if (now - session.lastSeenAt.getTime() >= SEEN_EVERY_MS)
      await services.db.webSession.updateMany({
        where: { id: webSessionId, endedAt: null },
        data: { lastSeenAt: new Date(now) },
      });
    return toActor(session.user, { via: 'session', viaId: webSessionId, limitedTo: null });
  } catch (error) {
    throw translateStoreError(error);
  }
}
