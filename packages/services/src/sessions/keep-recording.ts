import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireReplay } from './load-timeline.ts';
import { createFolderRecordingStore } from './recording-store.ts';
import { loadVisibleSession } from './session-access.ts';
import { SESSION_SELECT, toSessionRow } from './session-row.ts';
import { type SessionView, toSessionViews } from './to-session-view.ts';

/**
 * Keeps a recording whatever its `keep` says, as for a legal case, or with `null` lets it go again. For auditors who may
 * read it: whose session it is does not decide how long it stays.
 */
export async function keepRecording(ctx: ServiceContext, input: unknown): Promise<SessionView> {
  const actor = requireIdentity(ctx, 'session:read');
  const { id, reason } = parseInput(inputOf(contract.sessions.keep), input);
  const row = await loadVisibleSession(ctx, actor, id);
  await requireReplay(ctx, actor, row);
  return withTransaction(ctx, async (tx) => {
    const { count } = await tx.session.updateMany({
      where: { id, erasedAt: null },
      data: { keepReason: reason },
    });
    if (count === 0) throw new TaskgateError('invalid-state', 'the recording was deleted already');
    await emitAudit(tx, ctx, {
      action: reason === null ? 'recording.release' : 'recording.keep',
      subjectKind: 'recording',
      subject: id,
      before: { keepReason: row.keepReason },
      after: { keepReason: reason },
    });
    const after = await tx.session.findUniqueOrThrow({ where: { id }, select: SESSION_SELECT });
    return (
      await toSessionViews(tx, createFolderRecordingStore(ctx.services.settings), actor, [toSessionRow(after)])
    )[0]!;
  });
}
