import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { changeGrant } from '../grants/change-grant.ts';
import { lockGrant } from '../grants/grant-row.ts';

/** Ends every sign-in and API token of a person; gives the number of sign-ins. The caller writes the audit row. */
export async function endSignIns(tx: Transaction, ctx: ServiceContext, userId: string): Promise<number> {
  // A sign-in, or a new token, that is under way at this moment waits here, and finds that it is too late.
  await tx.$queryRaw`SELECT id FROM users WHERE id = ${userId} FOR UPDATE`;
  const at = new Date(ctx.services.clock.now());
  const { count } = await tx.webSession.updateMany({ where: { userId, endedAt: null }, data: { endedAt: at } });
  await tx.apiToken.updateMany({ where: { userId, revokedAt: null }, data: { revokedAt: at } });
  return count;
}

/** Revokes every grant of a person, and with it every connection under one. Each has its own audit row. */
export async function revokeGrantsOf(tx: Transaction, ctx: ServiceContext, userId: string): Promise<void> {
  const now = ctx.services.clock.now();
  const by = ctx.actor.kind === 'user' ? ctx.actor.userId : 'system';
  const standing = await tx.grant.findMany({
    where: { userId, state: { not: 'ended' } },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  for (const { id } of standing) {
    const row = await lockGrant(tx, id);
    if (row === null || row.state === 'ended') continue;
    await changeGrant(tx, ctx, row, { kind: 'revoke', by }, { now, action: 'grant.revoke', also: { endedById: by } });
  }
}
