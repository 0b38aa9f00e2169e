import { type Scope, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { toActor } from './to-actor.ts';
import { isDisabled, USER_SELECT } from './user-view.ts';

/**
 * The caller as they are at this moment; nobody locks them out or takes rights from them until the transaction ends.
 * Between the first look at a call and here its body may have taken its time, and they may have left. `also`: another
 * identity that the transaction is about. Throws `not-signed-in`, or `forbidden` where `scope` is gone.
 *
 * Identities are locked before trees of grants, everywhere, and in one order, so that nobody waits in a circle.
 */
export async function lockCaller(
  tx: Transaction,
  actor: IdentityActor,
  scope: Scope,
  also: readonly string[] = [],
): Promise<IdentityActor> {
  await lockIdentities(tx, [actor.identityId, ...also]);
  const now = await callerNow(tx, actor);
  if (!now.scopes.includes(scope))
    throw new TaskgateError('forbidden', `you do not have the scope \`${scope}\` any more; ask an admin`);
  return now;
}

/**
 * Refuses a call whose caller has less than when it was judged. For what is alone with people, where nobody's rights change
 * beside it: while it waited for its turn the one before may have taken them. Throws `not-signed-in`, `forbidden`.
 */
export async function requireUnchanged(tx: Transaction, { actor, services }: ServiceContext): Promise<void> {
  if (actor.kind === 'system') {
    if (actor.tokenId === undefined) return;
    const standing = { revokedAt: null, expiresAt: { gt: new Date(services.clock.now()) } };
    if ((await tx.scimToken.count({ where: { id: actor.tokenId, ...standing } })) === 0) throw ended();
    return;
  }
  const now = await callerNow(tx, actor);
  const lost =
    actor.scopes.some((scope) => !now.scopes.includes(scope)) ||
    actor.roles.some((role) => !now.roles.includes(role)) ||
    actor.groups.some((group) => !now.groups.includes(group));
  if (lost) throw new TaskgateError('forbidden', 'what you may do has changed meanwhile; look at it again');
}

async function callerNow(tx: Transaction, actor: IdentityActor): Promise<IdentityActor> {
  const row = await tx.identity.findUnique({ where: { id: actor.identityId }, select: USER_SELECT });
  if (row === null || isDisabled(row) || (await hasEnded(tx, actor))) throw ended();
  const { via, viaId } = actor;
  const now = toActor(row, { via, viaId, limitedTo: null });
  // No more than it was judged by: what a token may, and whether it has a role, the caller of before says.
  return {
    ...now,
    scopes: now.scopes.filter((one) => actor.scopes.includes(one)),
    roles: now.roles.filter((one) => actor.roles.includes(one)),
  };
}

const ended = (): TaskgateError => new TaskgateError('not-signed-in', 'your sign-in or token has ended; sign in again');

/** What came of them is seen by whoever comes after: what is counted of an identity is counted under its lock. */
export async function lockIdentities(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.$queryRaw`select id from identities where id = any(${[...ids]}::text[]) order by id for no key update`;
}

/** The same with the agents that act for them: what ends for somebody ends for these. */
export async function lockWithAgents(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.$queryRaw`
    select id from identities where id = any(${[...ids]}::text[]) or "actsForId" = any(${[...ids]}::text[])
    order by id for no key update`;
}

async function hasEnded(tx: Transaction, { via, viaId }: IdentityActor): Promise<boolean> {
  switch (via) {
    case 'session':
      return (await tx.webSession.count({ where: { id: viaId, endedAt: { not: null } } })) > 0;
    case 'api-token':
      return (await tx.apiToken.count({ where: { id: viaId, revokedAt: { not: null } } })) > 0;
    case 'grant-token':
      return (await tx.grant.count({ where: { id: viaId, state: { not: 'active' } } })) > 0;
    // Proven by a token from outside, for this call alone: its issuer may have been disabled since.
    case 'token-exchange':
      return (await tx.issuer.count({ where: { id: viaId, disabledAt: null } })) === 0;
  }
}
