import { createId } from '@taskgate/core';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { withTransaction } from '../with-transaction.ts';

/** Pages of one reading, and a live session that is watched, are one view. */
const ONE_VIEW_MS = 5 * 60_000;

/** Writes down that somebody reads another person's session, before they are shown any of it. */
export async function recordView(
  ctx: ServiceContext,
  actor: IdentityActor,
  sessionId: string,
  action: 'recording.view' | 'recording.download' | 'recording.explain',
): Promise<void> {
  await withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    if (action === 'recording.view') {
      // Pages are asked for one after the other, but two tabs at once.
      await tx.$queryRaw`select id from sessions where id = ${sessionId} for update`;
      const recent = await tx.auditRow.findFirst({
        where: { action, subject: sessionId, actorId: actor.identityId, at: { gt: new Date(now - ONE_VIEW_MS) } },
        select: { id: true },
      });
      if (recent !== null) return;
    }
    const row = {
      id: createId('aud', now, ctx.services.randomBytes),
      sessionId,
      userId: actor.identityId,
      at: new Date(now),
    };
    await tx.recordingView.create({ data: row });
    await emitAudit(tx, ctx, { action, subjectKind: 'recording', subject: sessionId, before: null, after: row });
  });
}
