import { ShortText, Slug } from '@taskgate/contracts';
import { createId, initialGrantStatus, TaskgateError } from '@taskgate/core';
import { mayActivate } from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { parseInput } from '../parse-input.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { GRANT_SELECT, toGrantAudit, toGrantColumns } from './grant-row.ts';
import { loadPinnedTask, toResourceFacts } from './load-terms.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

/** How long an approval that nobody used, or a request that needs none, stands. */
const UNUSED_GRANT_MS = 24 * 3_600_000;
/** Requests and approved grants of one person at a time: a loop in a script must not fill the reviewers' inbox. */
const MAX_OPEN_GRANTS = 50;

const RequestGrantInput = z.object({
  task: Slug,
  reason: ShortText.nullable().default(null),
  ticket: z.string().trim().min(1).max(100).nullable().default(null),
  ttlMs: z.number().int().min(10_000).nullable().default(null),
});

/** Asks for a grant of the task's published revision, whose terms are frozen into it. */
export async function requestGrant(ctx: ServiceContext, input: z.input<typeof RequestGrantInput>): Promise<GrantView> {
  const actor = requireIdentity(ctx, 'grant:request');
  const wish = parseInput(RequestGrantInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const task = await tx.task.findUnique({
      where: { name: wish.task },
      select: { id: true, publishedRevision: true, resource: { select: { name: true, labels: true } } },
    });
    if (task === null) throw new TaskgateError('not-found', `there is no task \`${wish.task}\``);
    if (task.publishedRevision === null)
      throw new TaskgateError('invalid-state', `task \`${wish.task}\` is a draft; ask for its publication`);
    const { document, terms } = await loadPinnedTask(
      tx,
      task.id,
      task.publishedRevision,
      toResourceFacts(task.resource),
    );

    const may = mayActivate(document, { email: actor.email, groups: actor.groups, kind: 'person' }, { epochMs: now });
    if (!may.ok) throw new TaskgateError('forbidden', may.reason);
    if (terms.reasonRequired && wish.reason === null) throw missing('reason', 'this task needs a reason; say why');
    if (terms.ticketRequired && wish.ticket === null) throw missing('ticket', 'this task needs a ticket; name it');
    if (wish.ttlMs !== null && wish.ttlMs > terms.ttlMs)
      throw missing('ttlMs', `this task can be had for at most ${terms.ttlMs / 1000} seconds; ask for less`);

    // Counted under the person's own row lock: parallel requests see each other.
    await tx.$queryRaw`select id from identities where id = ${actor.identityId} for update`;
    const open = await tx.grant.count({
      where: { identityId: actor.identityId, state: { in: ['requested', 'approved'] } },
    });
    if (open >= MAX_OPEN_GRANTS)
      throw new TaskgateError('rate-limited', `you have ${open} grants that were not used yet; end some first`);

    const status = initialGrantStatus({
      requestedBy: actor.identityId,
      ttlMs: wish.ttlMs ?? terms.ttlMs,
      approvalsNeeded: terms.approvals?.count ?? 0,
      requestExpiresAt: now + (terms.approvals?.timeoutMs ?? UNUSED_GRANT_MS),
    });
    const row = await tx.grant.create({
      data: {
        ...toGrantColumns(status),
        id: createId('grt', now, ctx.services.randomBytes),
        taskId: task.id,
        taskRevision: task.publishedRevision,
        identityId: actor.identityId,
        reason: wish.reason,
        ticket: wish.ticket,
        approvalsNeeded: status.approvalsNeeded,
        approverGroups: [...(terms.approvals?.from ?? [])],
        stepUp: terms.stepUp,
        requestedAt: new Date(now),
        requestExpiresAt: new Date(status.requestExpiresAt),
      },
      select: GRANT_SELECT,
    });
    await emitAudit(tx, ctx, {
      action: 'grant.request',
      subjectKind: 'grant',
      subject: row.id,
      before: null,
      after: toGrantAudit(row),
    });
    await notifyChange(tx, { topic: 'grants', id: row.id, userId: row.identityId, groups: row.approverGroups });
    return (await toGrantViews(tx, actor, [row], now))[0]!;
  });
}

function missing(path: string, message: string): TaskgateError {
  return new TaskgateError('bad-input', message, { problems: [{ path, message, position: null }] });
}
