import { SecretValue, TaskgateError } from '@taskgate/core';
import { hashToken } from '@taskgate/identity';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireActiveGrant } from './active-grant.ts';

/** Redeems a console's ticket, once. Throws `wrong-token` for one that is used, late or made up. */
export async function redeemTicket(ctx: ServiceContext, ticket: string): Promise<{ readonly grantId: string }> {
  requireSystem(ctx, 'gateway');
  const hash = hashToken(new SecretValue(ticket));
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const { count } = await tx.consoleTicket.updateMany({
      where: { hash, redeemedAt: null, expiresAt: { gt: new Date(now) } },
      data: { redeemedAt: new Date(now) },
    });
    if (count !== 1)
      throw new TaskgateError('wrong-token', 'this ticket is not valid any more; open the console again');
    const { grantId } = await tx.consoleTicket.findUniqueOrThrow({ where: { hash }, select: { grantId: true } });
    await requireActiveGrant(tx, grantId, now);
    await emitAudit(tx, ctx, {
      action: 'grant.redeem-console',
      subjectKind: 'grant',
      subject: grantId,
      before: null,
      after: { redeemedAt: new Date(now) },
    });
    return { grantId };
  });
}
