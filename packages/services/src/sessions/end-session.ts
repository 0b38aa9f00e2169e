import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { createFolderRecordingStore } from './recording-store.ts';
import { isVisibleSession } from './session-access.ts';
import { SESSION_SELECT, toSessionRow } from './session-row.ts';
import { type SessionView, toSessionViews } from './to-session-view.ts';

const ById = z.object({ id: z.string().max(60) });

/** Asks the gateway to end one connection; the grant stays. The session's row ends when its gateway says so. */
export async function endSession(ctx: ServiceContext, input: z.input<typeof ById>): Promise<SessionView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:revoke']);
  const { id } = parseInput(ById, input);
  return withTransaction(ctx, async (tx) => {
    const stored = await tx.session.findUnique({ where: { id }, select: SESSION_SELECT });
    const row = stored && toSessionRow(stored);
    if (row === null || !isVisibleSession(actor, row))
      throw new TaskgateError('not-found', `there is no session \`${id}\``);
    if (!row.grant.ownerIds.includes(actor.identityId) && !actor.scopes.includes('grant:revoke'))
      throw new TaskgateError('forbidden', "you may not end other people's connections");
    if (row.endedAt !== null) throw new TaskgateError('invalid-state', 'the session has ended already');
    await emitAudit(tx, ctx, {
      action: 'session.end',
      subjectKind: 'session',
      subject: id,
      before: { endedAt: null },
      after: { endRequestedBy: actor.identityId },
    });
    await notifyChange(tx, { topic: 'sessions', id, change: 'end-requested', userId: row.grant.identityId });
    return (await toSessionViews(tx, createFolderRecordingStore(ctx.services.settings), actor, [row]))[0]!;
  });
}
