import { contract, type Offboarded } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { nameOf } from '../grants/grant-row.ts';
import { PERSON_SELECT, toPerson } from '../grants/person-ref.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { endAccess } from './end-access.ts';
import { requireAdminLeft } from './require-admin-left.ts';
import { groupsOf, USER_SELECT } from './user-view.ts';
import { whyNotOffboard } from './why-not-offboard.ts';
import { withPeople } from './with-people.ts';

export type OffboardedView = z.infer<typeof Offboarded>;

/**
 * Somebody leaves: in one transaction they and the agents that act for them are disabled, leave their groups, and lose
 * sign-ins, API tokens, grants and the SCIM tokens that they made; what of theirs waits is cancelled, and each gateway cuts their connections. All of it
 * is in the audit under one id. Done again it ends what has come since. Throws `invalid-state` for the last admin.
 */
export async function offboard(ctx: ServiceContext, input: unknown): Promise<OffboardedView> {
  requireScope(ctx, 'people:write');
  const { id, reason } = parseInput(inputOf(contract.people.offboard), input);
  return withPeople(ctx, async (tx) => {
    // Made inside: a transaction that is run again is another deed.
    const actId = newId(ctx.services, 'act');
    const act: ServiceContext = { ...ctx, actId };
    const row = await tx.identity.findUnique({ where: { id }, select: USER_SELECT });
    if (row === null) throw new TaskgateError('not-found', `there is nobody \`${id}\``);
    const refusal = whyNotOffboard(ctx, row);
    if (refusal !== null) throw refusal;
    const agents = await tx.identity.findMany({ where: { actsForId: id }, select: PERSON_SELECT });
    const ids = [id, ...agents.map((agent) => agent.id)];
    const before = await countAlive(tx, ids);

    const at = new Date(ctx.services.clock.now());
    await tx.identity.updateMany({ where: { id: { in: ids }, disabledAt: null }, data: { disabledAt: at } });
    await tx.identity.updateMany({ where: { id: { in: ids } }, data: { lockedByHand: true } });
    await tx.directoryMember.deleteMany({ where: { identityId: { in: ids } } });
    // Who they are at a provider stays known: forgotten, they could come in as somebody new.
    await tx.providerLink.updateMany({ where: { identityId: { in: ids } }, data: { groups: [] } });
    await tx.membership.deleteMany({ where: { userId: { in: ids } } });
    if (row.kind === 'person') await requireAdminLeft(tx);
    const { webSessions, apiTokens, scimTokens } = await endAccess(tx, act, ids);
    const ended: OffboardedView = {
      actId,
      identity: toPerson(row),
      groups: groupsOf(row).map((group) => group.name),
      agents: agents.map(toPerson),
      webSessions,
      apiTokens,
      scimTokens,
      ...before,
    };
    await emitAudit(tx, act, {
      action: 'identity.offboard',
      subjectKind: 'user',
      subject: id,
      before: { disabledAt: row.disabledAt, groups: ended.groups },
      after: { reason, disabledAt: row.disabledAt ?? at, ended },
    });
    for (const one of ids) await notifyChange(tx, { topic: 'people', id: one, userId: one });
    return ended;
  });
}

/** As it is before it is ended. */
async function countAlive(
  tx: Transaction,
  ids: readonly string[],
): Promise<Pick<OffboardedView, 'grants' | 'sessions' | 'holds'>> {
  const owned = { identityId: { in: [...ids] } };
  const grants = await tx.grant.findMany({
    where: { ...owned, state: { not: 'ended' } },
    select: {
      id: true,
      task: { select: { name: true } },
      workflow: { select: { name: true } },
      identity: { select: PERSON_SELECT },
    },
    orderBy: { id: 'asc' },
  });
  return {
    grants: grants.map((grant) => ({ id: grant.id, task: nameOf(grant), owner: toPerson(grant.identity) })),
    sessions: await tx.session.count({ where: { grant: owned, endedAt: null } }),
    holds: await tx.hold.count({ where: { grant: owned, state: 'waiting' } }),
  };
}
