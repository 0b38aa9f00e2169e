import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { requireReplay } from './load-timeline.ts';
import { recordView } from './record-view.ts';
import { createFolderRecordingStore } from './recording-store.ts';
import { isOwnSession, loadVisibleSession } from './session-access.ts';

/** The plain recording, for verification elsewhere: its secret parts stay sealed under the session's key. */
export async function loadRecordingBytes(ctx: ServiceContext, id: string): Promise<Uint8Array> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read']);
  const row = await loadVisibleSession(ctx, actor, id);
  await requireReplay(ctx, actor, row);
  if (!isOwnSession(actor, row)) await recordView(ctx, actor, id, 'recording.download');
  const bytes = await createFolderRecordingStore(ctx.services.settings).read(id);
  if (bytes === null) throw new TaskgateError('not-found', 'the recording of this session is not here');
  return bytes;
}
