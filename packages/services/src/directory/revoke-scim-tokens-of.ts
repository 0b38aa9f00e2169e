import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { SCIM_TOKEN_SELECT, toScimTokenView } from './load-directory.ts';

/** Revokes every SCIM token that a person made, each with its audit row; gives the number of those that still stood. */
export async function revokeScimTokensOf(tx: Transaction, ctx: ServiceContext, createdById: string): Promise<number> {
  const revokedAt = new Date(ctx.services.clock.now());
  const standing = await tx.scimToken.findMany({
    where: { createdById, revokedAt: null, expiresAt: { gt: revokedAt } },
    select: SCIM_TOKEN_SELECT,
  });
  for (const before of standing) {
    const { id } = before;
    const after = await tx.scimToken.update({ where: { id }, data: { revokedAt }, select: SCIM_TOKEN_SELECT });
    await emitAudit(tx, ctx, {
      action: 'scim-token.revoke',
      subjectKind: 'scim-token',
      subject: id,
      before: toScimTokenView(before),
      after: toScimTokenView(after),
    });
    await notifyChange(tx, { topic: 'people', id });
  }
  return standing.length;
}
