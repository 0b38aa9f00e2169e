import type { Transaction } from '@taskgate/db';
import { mayActivate } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { revokeScimTokensOf } from '../directory/revoke-scim-token.ts';
import { revokeGrants } from '../grants/change-grant.ts';
import { GRANT_SELECT } from '../grants/grant-row.ts';
import { loadSubject } from '../grants/grant-subject.ts';
import { lockWithAgents } from './lock-caller.ts';
import { mayRequest, toActivator } from './to-actor.ts';
import { USER_SELECT } from './user-view.ts';

/** How many of each still stood. */
export interface EndedAccess {
  readonly webSessions: number;
  readonly apiTokens: number;
  readonly scimTokens: number;
  readonly grants: number;
}

/**
 * Ends all by which these identities are in: sign-ins, API tokens, grants with the connections under them, and the SCIM
 * tokens that they made; of the agents that act for them tokens and grants too, which would come back to life with them.
 * That nobody comes in anew is the caller's to write, before. The caller writes the audit row; grants and SCIM tokens
 * have their own.
 */
export async function endAccess(
  tx: Transaction,
  ctx: ServiceContext,
  identityIds: readonly string[],
): Promise<EndedAccess> {
  const ids = [...identityIds];
  const agents = await tx.identity.findMany({ where: { actsForId: { in: ids } }, select: { id: true } });
  const signIns = await endSignIns(tx, ctx, [...new Set([...ids, ...agents.map(({ id }) => id)])]);
  const grants = await revokeGrantsOf(tx, ctx, ids);
  return { ...signIns, scimTokens: await revokeScimTokensOf(tx, ctx, ids), grants };
}

/** Ends every sign-in and API token of these; gives how many there were. The caller writes the audit row. */
export async function endSignIns(
  tx: Transaction,
  ctx: ServiceContext,
  identityIds: readonly string[],
): Promise<Pick<EndedAccess, 'webSessions' | 'apiTokens'>> {
  const ids = { in: [...identityIds] };
  // A sign-in, or a new token, that is under way at this moment waits here, and finds that it is too late.
  await lockWithAgents(tx, identityIds);
  const at = new Date(ctx.services.clock.now());
  const sessions = await tx.webSession.updateMany({ where: { userId: ids, endedAt: null }, data: { endedAt: at } });
  const standing = { identityId: ids, revokedAt: null };
  const apiTokens = await tx.apiToken.count({ where: { ...standing, expiresAt: { gt: at } } });
  await tx.apiToken.updateMany({ where: standing, data: { revokedAt: at } });
  await tx.deviceSignIn.updateMany({ where: { identityId: ids, state: 'approved' }, data: { state: 'denied' } });
  return { webSessions: sessions.count, apiTokens };
}

/**
 * Revokes every grant of these identities and of the agents that act for them, and with it every connection under one.
 * Each has its own audit row; gives how many there were.
 */
export async function revokeGrantsOf(
  tx: Transaction,
  ctx: ServiceContext,
  identityIds: readonly string[],
): Promise<number> {
  // Before the grants are looked for: what is being asked for, made or started at this moment is there by then.
  await lockWithAgents(tx, identityIds);
  const ids = { in: [...identityIds] };
  const standing = await tx.grant.findMany({
    where: { identity: { OR: [{ id: ids }, { actsForId: ids }] }, state: { not: 'ended' } },
    select: { id: true, rootId: true },
  });
  await revokeGrants(tx, ctx, standing);
  return standing.length;
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
  });
  const subjects = new Map<string, Awaited<ReturnType<typeof loadSubject>>>();
  const beyond = [];
  for (const row of active) {
    const { identity, activatedAt, taskId, taskRevision, workflowId, workflowRevision, document: narrowed } = row;
    // Many grants are of few documents.
    const of = JSON.stringify([taskId, taskRevision, workflowId, workflowRevision, narrowed]);
    const subject = subjects.get(of) ?? (await loadSubject(tx, row));
    subjects.set(of, subject);
    const may = mayActivate(subject.document, toActivator(identity), {
      epochMs: activatedAt?.getTime() ?? ctx.services.clock.now(),
    });
    if (!may.ok || !mayRequest(identity)) beyond.push(row);
  }
  await revokeGrants(tx, ctx, beyond);
}

/** They come in as nobody any more, whoever they act for. Gives how many there were. The caller writes the audit row. */
export async function disableAgentsOf(tx: Transaction, ctx: ServiceContext, actsForId: string): Promise<number> {
  const { count } = await tx.identity.updateMany({
    where: { actsForId, disabledAt: null },
    data: { disabledAt: new Date(ctx.services.clock.now()) },
  });
  return count;
}
