import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { revokeScimTokensOf } from '../directory/revoke-scim-token.ts';
import { endSignIns, revokeGrantsOf } from './end-access.ts';

export interface EndedAccess {
  readonly webSessions: number;
  readonly apiTokens: number;
  readonly scimTokens: number;
  readonly agents: number;
}

/**
 * Ends what whoever had an account before began, and could go on with: sign-ins, tokens, grants, and the agents that act for
 * it. The account itself, its groups and its history stay; that it has no password and no passkey is asked before.
 * The caller writes the audit row.
 */
export async function endEarlierAccess(tx: Transaction, ctx: ServiceContext, userId: string): Promise<EndedAccess> {
  const at = new Date(ctx.services.clock.now());
  const apiTokens = await tx.apiToken.count({
    where: { identityId: userId, revokedAt: null, expiresAt: { gt: at } },
  });
  const webSessions = await endSignIns(tx, ctx, userId);
  await revokeGrantsOf(tx, ctx, userId);
  const scimTokens = await revokeScimTokensOf(tx, ctx, userId);
  const agents = await tx.identity.updateMany({
    where: { actsForId: userId, disabledAt: null },
    data: { disabledAt: at },
  });
  return { webSessions, apiTokens, scimTokens, agents: agents.count };
}
