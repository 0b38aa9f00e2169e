import type { Session } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { IdentityActor } from '../context.ts';
import { nameOf } from '../grants/grant-row.ts';
import { toPerson } from '../grants/person-ref.ts';
import type { RecordingStore } from './recording-store.ts';
import { loadReplayRights } from './session-access.ts';
import type { SessionRow } from './session-row.ts';

export type SessionView = z.infer<typeof Session>;

/** Rows as the API shows them to `actor`, who may see them. */
export async function toSessionViews(
  db: Transaction,
  store: RecordingStore,
  actor: IdentityActor,
  rows: readonly SessionRow[],
): Promise<SessionView[]> {
  const mayReplay = await loadReplayRights(db, actor, rows);
  const runOf = await loadRunsOf(db, rows);
  return Promise.all(
    rows.map(async (row) => ({
      id: row.id,
      grantId: row.grantId,
      run: runOf(row),
      task: row.grant.task.name,
      taskRevision: row.grant.taskRevision,
      resource: row.grant.task.resource.name,
      person: toPerson(row.grant.identity),
      protocol: row.protocol as SessionView['protocol'],
      clientAddress: row.clientAddress,
      application: row.application,
      gateway: row.gateway,
      startedAt: row.startedAt.toISOString(),
      endedAt: row.endedAt?.toISOString() ?? null,
      endReason: row.endReason,
      operations: row.operationCount,
      denied: row.deniedCount,
      held: row.heldCount,
      rows: Number(row.rowCount),
      maskedCells: Number(row.maskedCells),
      recording: await recordingState(store, row),
      head: toHead(row),
      keepReason: row.keepReason,
      erasedAt: row.erasedAt?.toISOString() ?? null,
      mayReplay: mayReplay(row),
    })),
  );
}

async function loadRunsOf(
  db: Transaction,
  rows: readonly SessionRow[],
): Promise<(row: SessionRow) => SessionView['run']> {
  const roots = await db.grant.findMany({
    where: { id: { in: [...new Set(rows.map(({ grant }) => grant.rootId))] }, children: { some: {} } },
    select: { id: true, task: { select: { name: true } }, workflow: { select: { name: true } } },
  });
  const names = new Map(roots.map((root) => [root.id, nameOf(root)]));
  return ({ grant: { rootId } }) => {
    const name = names.get(rootId);
    return name === undefined ? null : { id: rootId, name };
  };
}

async function recordingState(store: RecordingStore, row: SessionRow): Promise<SessionView['recording']> {
  if (row.erasedAt !== null) return 'erased';
  if (row.endedAt === null) return 'live';
  if (!(await store.has(row.id))) return 'missing';
  return row.interrupted ? 'interrupted' : 'complete';
}

function toHead(row: SessionRow): SessionView['head'] {
  const { headCount, headHash, headSignature, headKeyId } = row;
  if (headCount === null || headHash === null || headSignature === null || headKeyId === null) return null;
  return { count: headCount, hash: headHash, signature: headSignature, keyId: headKeyId };
}
