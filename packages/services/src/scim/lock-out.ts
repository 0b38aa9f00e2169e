import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { type EndedAccess, endAccess } from '../people/end-access.ts';

/** Disables a person and ends all their access. The caller writes the audit row. */
export async function lockOut(tx: Transaction, ctx: ServiceContext, identityId: string): Promise<EndedAccess> {
  await tx.identity.updateMany({
    where: { id: identityId, disabledAt: null },
    data: { disabledAt: new Date(ctx.services.clock.now()) },
  });
  return endAccess(tx, ctx, [identityId]);
}
