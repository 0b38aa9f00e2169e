import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { revokeScimTokensOf } from '../directory/revoke-scim-token.ts';
import { endSignIns, revokeGrantsOf } from './end-access.ts';
import { requireAdminLeft } from './require-admin-left.ts';

export interface EndedAccess {
  readonly passwordEnded: boolean;
  readonly webSessions: number;
  readonly apiTokens: number;
  readonly scimTokens: number;
  readonly passkeys: number;
  readonly agents: number;
}

/**
 * Ends all that whoever had an account before could still come in with, and what they began: sign-ins, tokens, grants, the
 * password, passkeys, links to providers, and the agents that act for it. The account itself, its groups and its history stay.
 * The caller writes the audit row, and is alone with people. Throws `invalid-state` for the password of the last admin.
 */
export async function endEarlierAccess(tx: Transaction, ctx: ServiceContext, userId: string): Promise<EndedAccess> {
  const at = new Date(ctx.services.clock.now());
  const apiTokens = await tx.apiToken.count({
    where: { identityId: userId, revokedAt: null, expiresAt: { gt: at } },
  });
  const webSessions = await endSignIns(tx, ctx, userId);
  await revokeGrantsOf(tx, ctx, userId);
  const scimTokens = await revokeScimTokensOf(tx, ctx, userId);
  const passkeys = await tx.passkey.deleteMany({ where: { identityId: userId } });
  const password = await tx.identity.updateMany({
    where: { id: userId, passwordHash: { not: null } },
    data: { passwordHash: null },
  });
  await tx.providerLink.deleteMany({ where: { identityId: userId } });
  const agents = await tx.identity.updateMany({
    where: { actsForId: userId, disabledAt: null },
    data: { disabledAt: at },
  });
  if (password.count > 0) await requireAdminLeft(tx);
  return {
    passwordEnded: password.count > 0,
    webSessions,
    apiTokens,
    scimTokens,
    passkeys: passkeys.count,
    agents: agents.count,
  };
}
