import type { Transaction } from '@taskgate/db';
import { mayActivate } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { changeGrant } from '../grants/change-grant.ts';
import { GRANT_SELECT, lockGrant } from '../grants/grant-row.ts';
import { loadSubject } from '../grants/grant-subject.ts';
import { lockWithAgents } from './lock-caller.ts';
import { mayRequest, toActivator } from './to-actor.ts';
import { USER_SELECT } from './user-view.ts';

/** Ends every sign-in and API token of a person; gives the number of sign-ins. The caller writes the audit row. */
export async function endSignIns(tx: Transaction, ctx: ServiceContext, userId: string): Promise<number> {
  // A sign-in, or a new token, that is under way at this moment waits here, and finds that it is too late.
  await lockWithAgents(tx, [userId]);
  const at = new Date(ctx.services.clock.now());
  const { count } = await tx.webSession.updateMany({ where: { userId, endedAt: null }, data: { endedAt: at } });
  await tx.apiToken.updateMany({ where: { identityId: userId, revokedAt: null }, data: { revokedAt: at } });
  await tx.deviceSignIn.updateMany({ where: { identityId: userId, state: 'approved' }, data: { state: 'denied' } });
  return count;
}

/**
 * Revokes every grant of an identity, and with it every connection under one; each has its own audit row. Of the agents
 * that act for it too, with their API tokens: they would come back to life with whom they act for.
 */
export async function revokeGrantsOf(tx: Transaction, ctx: ServiceContext, identityId: string): Promise<void> {
  // Before the grants are looked for: what is being asked for, made or started at this moment is there by then.
  await lockWithAgents(tx, [identityId]);
  const agentIds = (await tx.identity.findMany({ where: { actsForId: identityId }, select: { id: true } })).map(
    ({ id }) => id,
  );
  await tx.apiToken.updateMany({
    where: { identityId: { in: agentIds }, revokedAt: null },
    data: { revokedAt: new Date(ctx.services.clock.now()) },
  });
  const standing = await tx.grant.findMany({
    where: { identityId: { in: [identityId, ...agentIds] }, state: { not: 'ended' } },
    select: { id: true },
    // Trees in one order, whoever else ends some.
    orderBy: [{ rootId: 'asc' }, { depth: 'asc' }, { id: 'asc' }],
  });
  for (const { id } of standing) await revoke(tx, ctx, id);
}

/**
 * Revokes what these people hold and could not activate any more: who left a task's group, or lost the role, keeps no
 * connection of it until its time is over. So do the agents that act for them. The hours of a task are asked as of the
 * activation: they are about starting. What is asked for or approved, but not active, is judged when it starts.
 */
export async function revokeGrantsBeyond(
  tx: Transaction,
  ctx: ServiceContext,
  userIds: readonly string[],
): Promise<void> {
  await lockWithAgents(tx, userIds);
  const active = await tx.grant.findMany({
    where: { identity: { OR: [{ id: { in: [...userIds] } }, { actsForId: { in: [...userIds] } }] }, state: 'active' },
    select: { ...GRANT_SELECT, identity: { select: { ...USER_SELECT, actsForId: true } } },
    orderBy: [{ rootId: 'asc' }, { depth: 'asc' }, { id: 'asc' }],
  });
  for (const row of active) {
    const { id, identity, activatedAt } = row;
    const { document } = await loadSubject(tx, row);
    const may = mayActivate(document, toActivator(identity), {
      epochMs: activatedAt?.getTime() ?? ctx.services.clock.now(),
    });
    if (!may.ok || !mayRequest(identity)) await revoke(tx, ctx, id);
  }
}

async function revoke(tx: Transaction, ctx: ServiceContext, grantId: string): Promise<void> {
  const now = ctx.services.clock.now();
  const by = ctx.actor.kind !== 'system' ? ctx.actor.identityId : 'system';
  const row = await lockGrant(tx, grantId);
  if (row === null || row.state === 'ended') return;
  await changeGrant(tx, ctx, row, { kind: 'revoke', by }, { now, action: 'grant.revoke', also: { endedById: by } });
}
