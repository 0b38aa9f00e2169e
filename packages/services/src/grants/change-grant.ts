import { type GrantEndReason, type GrantEvent, nextGrantStatus, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { emitAudit, emitAudits } from '../emit-audit.ts';
import { cancelHolds } from '../holds/cancel-holds.ts';
import { type Change, notifyChange, notifyChanges } from '../live/notify-change.ts';
import { type GrantAction, whyNotGrant } from './grant-actions.ts';
import {
  GRANT_SELECT,
  type GrantRow,
  lockGrant,
  lockTrees,
  toGrantAudit,
  toGrantColumns,
  toGrantStatus,
} from './grant-row.ts';
import { toGrantFacts } from './to-grant-view.ts';
import { isVisibleGrant } from './visible-grants.ts';

/** The locked row, where the person may see it and do that with it. A grant of somebody else does not exist for them. */
export async function lockGrantFor(
  tx: Transaction,
  actor: IdentityActor,
  id: string,
  action: GrantAction,
  now: number,
): Promise<GrantRow> {
  const row = await lockGrant(tx, id);
  if (row === null || !isVisibleGrant(actor, row)) throw new TaskgateError('not-found', `there is no grant \`${id}\``);
  const refusal = whyNotGrant(action, actor, toGrantFacts(row), now);
  if (refusal !== null) throw refusal;
  return row;
}

/**
 * Moves a locked grant on by `event`, with its audit row and its notification. The state is part of the update's
 * condition: whatever else changed the row meanwhile, this change is made to the state that was judged, or not at all.
 */
export async function changeGrant(
  tx: Transaction,
  ctx: ServiceContext,
  row: GrantRow,
  event: GrantEvent,
  options: {
    readonly now: number;
    readonly action: string;
    readonly also?: Prisma.GrantUpdateManyMutationInput & { readonly endedById?: string };
    /** The person's answer, written with it. */
    readonly answer?: Prisma.ApprovalUncheckedCreateInput;
  },
): Promise<GrantRow> {
  const status = nextGrantStatus(toGrantStatus(row), event, options.now);
  if (options.answer !== undefined) await tx.approval.create({ data: options.answer });
  const { count } = await tx.grant.updateMany({
    where: { id: row.id, state: row.state },
    data: { ...toGrantColumns(status), ...options.also },
  });
  if (count !== 1) throw new TaskgateError('conflict', 'the grant changed meanwhile; look at it again');
  const after = await tx.grant.findUniqueOrThrow({ where: { id: row.id }, select: GRANT_SELECT });
  await emitAudit(tx, ctx, {
    action: options.action,
    subjectKind: 'grant',
    subject: row.id,
    before: toGrantAudit(row),
    after: toGrantAudit(after),
  });
  if (status.state === 'ended') {
    await cancelHolds(tx, ctx, { grantId: { in: [row.id] } }, options.now);
    await endBelow(tx, ctx, [row], options.now);
  }
  await notifyChange(tx, toGrantNotice(row, status.endReason));
  return after;
}

/**
 * Revokes those of these grants that stand, and ends all below them; each has its audit row. In few statements, however
 * many they are. What stands below another of them ends with that one.
 */
export async function revokeGrants(
  tx: Transaction,
  ctx: ServiceContext,
  grants: readonly Pick<GrantRow, 'id' | 'rootId'>[],
): Promise<void> {
  const now = ctx.services.clock.now();
  const by = ctx.actor.kind !== 'system' ? ctx.actor.identityId : 'system';
  await lockTrees(tx, [...new Set(grants.map(({ rootId }) => rootId))]);
  const standing = await tx.grant.findMany({
    where: { id: { in: grants.map(({ id }) => id) }, state: { not: 'ended' } },
    select: { id: true, rootId: true, ancestorIds: true },
  });
  const ids = new Set(standing.map(({ id }) => id));
  const highest = standing.filter(({ ancestorIds }) => !ancestorIds.some((id) => ids.has(id)));
  await endGrants(tx, ctx, highest, { kind: 'revoke', by }, { now, action: 'grant.revoke', also: { endedById: by } });
  await endBelow(tx, ctx, highest, now);
}

/** Ends every grant below those that have ended. Their trees are locked: none can be made meanwhile. */
async function endBelow(
  tx: Transaction,
  ctx: ServiceContext,
  above: readonly Pick<GrantRow, 'id' | 'rootId'>[],
  now: number,
): Promise<void> {
  const below = await tx.grant.findMany({
    where: {
      rootId: { in: [...new Set(above.map(({ rootId }) => rootId))] },
      ancestorIds: { hasSome: above.map(({ id }) => id) },
      state: { not: 'ended' },
    },
    select: { id: true },
  });
  await endGrants(tx, ctx, below, { kind: 'end-with-parent' }, { now, action: 'grant.end-with-parent' });
}

/** Whole rows in memory at a time. */
const MAX_AT_ONCE = 500;

async function endGrants(
  tx: Transaction,
  ctx: ServiceContext,
  grants: readonly { readonly id: string }[],
  event: GrantEvent & { readonly kind: 'revoke' | 'end-with-parent' },
  options: { readonly now: number; readonly action: string; readonly also?: { readonly endedById: string } },
): Promise<void> {
  for (let from = 0; from < grants.length; from += MAX_AT_ONCE) {
    const ids = grants.slice(from, from + MAX_AT_ONCE).map(({ id }) => id);
    const rows = await tx.grant.findMany({ where: { id: { in: ids } }, select: GRANT_SELECT });
    const ended = rows.map((row) => {
      const status = nextGrantStatus(toGrantStatus(row), event, options.now);
      return { row, reason: status.endReason, after: { ...row, ...toGrantColumns(status), ...options.also } };
    });
    const { state, endedAt, endReason } = ended[0]!.after;
    const { count } = await tx.grant.updateMany({
      where: { id: { in: ids }, state: { not: 'ended' } },
      data: { state, endedAt, endReason, ...options.also },
    });
    if (count !== ids.length) throw new TaskgateError('conflict', 'a grant changed meanwhile; look at it again');
    await emitAudits(
      tx,
      ctx,
      ended.map(({ row, after }) => ({
        action: options.action,
        subjectKind: 'grant',
        subject: row.id,
        before: toGrantAudit(row),
        after: toGrantAudit(after),
      })),
    );
    await cancelHolds(tx, ctx, { grantId: { in: ids } }, options.now);
    await notifyChanges(
      tx,
      ended.map(({ row, reason }) => toGrantNotice(row, reason)),
    );
  }
}

const toGrantNotice = (row: GrantRow, endReason: GrantEndReason | null): Change => ({
  topic: 'grants',
  id: row.id,
  userId: row.identityId,
  groups: row.approverGroups,
  ...(endReason === null ? {} : { change: 'ended', reason: endReason }),
});
