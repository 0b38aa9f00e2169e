import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { revokeScimTokensOf } from '../directory/revoke-scim-token.ts';
import { endSignIns, revokeGrantsOf } from '../people/end-access.ts';

/** Disables a person and ends sign-ins, API tokens, grants, connections and the SCIM tokens that they made. The caller writes the audit row. */
export async function lockOut(
  tx: Transaction,
  ctx: ServiceContext,
  identityId: string,
): Promise<{ readonly endedSessions: number }> {
  await tx.identity.updateMany({
    where: { id: identityId, disabledAt: null },
    data: { disabledAt: new Date(ctx.services.clock.now()) },
  });
  const endedSessions = await endSignIns(tx, ctx, identityId);
  await revokeGrantsOf(tx, ctx, identityId);
  await revokeScimTokensOf(tx, ctx, identityId);
  return { endedSessions };
}
