import type { WebSession } from '@taskgate/contracts';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { requirePerson } from '../require-scope.ts';
import { standingWebSessions } from './web-session-life.ts';

/** The caller's own sign-ins that still stand, the latest first. */
export async function loadWebSessions(ctx: ServiceContext): Promise<z.infer<typeof WebSession>[]> {
  const actor = requirePerson(ctx);
  const rows = await ctx.services.db.webSession.findMany({
    where: { userId: actor.identityId, ...standingWebSessions(ctx.services.clock.now()) },
    orderBy: { lastSeenAt: 'desc' },
    take: 100,
  });
  return rows.map((row) => ({
    id: row.id,
    current: row.id === actor.viaId,
    createdAt: row.createdAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    userAgent: row.userAgent,
  }));
}
