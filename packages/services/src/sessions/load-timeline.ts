import type { TimelineOperation } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import {
  buildTimeline,
  decodeRecording,
  openEvent,
  type ReadEvent,
  type RecordedEvent,
  type TimelineOperation as RecordedOperation,
} from '@taskgate/recording';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { recordView } from './record-view.ts';
import { createFolderRecordingStore, type RecordingStore } from './recording-store.ts';
import { isOwnSession, loadReplayRights, loadVisibleSession } from './session-access.ts';
import { createSessionOpener } from './session-opener.ts';
import type { SessionRow } from './session-row.ts';
import { type SessionView, toSessionViews } from './to-session-view.ts';

export type TimelineOperationView = z.infer<typeof TimelineOperation>;

const TimelineInput = z.object({
  id: z.string().max(60),
  /** `seq` of the last operation that the caller has. */
  after: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});
/** A page ends early where it holds this many rows: answers stay of a size that a browser can take. */
const MAX_ROWS_PER_PAGE = 5_000;
const TEXT_OID = 25;

/** What was asked, decided and sent, in order. Reading somebody else's is written down first. */
export async function loadTimeline(
  ctx: ServiceContext,
  input: z.input<typeof TimelineInput>,
): Promise<{ session: SessionView; operations: TimelineOperationView[]; nextAfter: number | null }> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read']);
  const { id, after, limit } = parseInput(TimelineInput, input);
  const row = await loadVisibleSession(ctx, actor, id);
  await requireReplay(ctx, actor, row);
  if (!isOwnSession(actor, row)) await recordView(ctx, actor, id, 'recording.view');

  const store = createFolderRecordingStore(ctx.services.settings);
  const events = await readEvents(store, id);
  const wanted = events
    .filter(({ event }) => event.kind === 'operation' && event.seq > (after ?? -1))
    .slice(0, limit + 1);
  const shown = wanted.slice(0, limit);
  const recorded = await openOperations(
    ctx,
    id,
    events,
    new Set(shown.map(({ event }) => (event.kind === 'operation' ? event.decisionId : ''))),
  );

  const operations: TimelineOperationView[] = [];
  let rows = 0;
  for (const operation of recorded) {
    if (operations.length > 0 && rows > MAX_ROWS_PER_PAGE) break;
    const view = toOperationView(operation, row.endedAt !== null);
    rows += view.rows.length;
    operations.push(view);
  }
  const complete = operations.length === recorded.length && wanted.length <= limit;
  const [session] = await toSessionViews(ctx.services.db, store, actor, [row]);
  return { session: session!, operations, nextAfter: complete ? null : (operations.at(-1)?.seq ?? null) };
}

export async function requireReplay(ctx: ServiceContext, actor: IdentityActor, row: SessionRow): Promise<void> {
  const mayReplay = await loadReplayRights(ctx.services.db, actor, [row]);
  if (!mayReplay(row))
    throw new TaskgateError('forbidden', 'only whose session it is and its named readers may read what was said in it');
}

async function readEvents(store: RecordingStore, sessionId: string): Promise<readonly RecordedEvent[]> {
  const bytes = await store.read(sessionId);
  if (bytes === null) throw new TaskgateError('not-found', 'the recording of this session is not here');
  const { header, events } = decodeRecording(bytes);
  if (header.sessionId !== sessionId) throw new TaskgateError('internal', 'the recording is of another session');
  return events;
}

/** The operations of these decisions, opened under the session's key; all others stay sealed. */
async function openOperations(
  ctx: ServiceContext,
  sessionId: string,
  recorded: readonly RecordedEvent[],
  decisionIds: ReadonlySet<string>,
): Promise<readonly RecordedOperation[]> {
  const mine = recorded.filter(
    ({ event }) =>
      // Shapes have no secret, and operations of elsewhere may have brought the one that is meant.
      event.kind === 'shape' || ('decisionId' in event && decisionIds.has(event.decisionId)),
  );
  if (mine.length === 0) return [];
  const { wrappedKey } = await ctx.services.db.session.findUniqueOrThrow({
    where: { id: sessionId },
    select: { wrappedKey: true },
  });
  const open = createSessionOpener(ctx.services.vault, wrappedKey, sessionId);
  const events: ReadEvent[] = [];
  for (const event of mine) events.push(await openEvent(event, open));
  return buildTimeline(events).operations;
}

/** One decision's operation, opened; `null` where the recording or the operation is not there. */
export async function readOperation(
  ctx: ServiceContext,
  sessionId: string,
  decisionId: string,
): Promise<RecordedOperation | null> {
  const bytes = await createFolderRecordingStore(ctx.services.settings).read(sessionId);
  if (bytes === null) return null;
  const [operation] = await openOperations(ctx, sessionId, decodeRecording(bytes).events, new Set([decisionId]));
  return operation ?? null;
}

function toOperationView(recorded: RecordedOperation, ended: boolean): TimelineOperationView {
  const { operation, shape, outcome } = recorded;
  const hold = recorded.holds.at(-1) ?? null;
  const copied = recorded.copyData.flatMap((event) => toLines(event.secret?.text ?? ''));
  const rows = copied.length > 0 ? copied.map((line) => [line]) : (recorded.rows ?? []).map((row) => [...row]);
  const columns =
    shape?.columns.map((column) => ({ ...column })) ??
    (copied.length > 0 ? [{ name: 'copy', typeOid: TEXT_OID, mask: null }] : []);
  // While the session is live an operation without an outcome is under way, not lost.
  const running = outcome === null && recorded.status === 'unknown' && !ended;
  return {
    seq: operation.seq,
    at: new Date(operation.at).toISOString(),
    decisionId: operation.decisionId,
    statement: operation.secret?.statement ?? null,
    parameters: [...(operation.secret?.parameters ?? [])],
    statementClass: operation.statementClass,
    label: operation.label,
    relations: operation.relations as unknown as TimelineOperationView['relations'],
    outcome: operation.decision.outcome,
    reasons: [...operation.decision.reasons] as TimelineOperationView['reasons'],
    hold: hold && {
      holdId: hold.holdId,
      outcome: hold.outcome,
      by: [...hold.by],
      comment: hold.comment,
      waitedMs: hold.closedAt === null ? null : Math.max(0, hold.closedAt - hold.openedAt),
    },
    columns,
    rows,
    rowsShown: rows.length,
    result: running
      ? null
      : {
          outcome: recorded.status,
          tag: outcome?.tag ?? null,
          rows: outcome?.rows ?? null,
          bytes: outcome?.bytes ?? 0,
          maskedCells: outcome?.maskedCells ?? 0,
          durationMs: recorded.durationMs,
          sqlstate: outcome?.sqlstate ?? null,
          message: outcome?.secret?.message ?? null,
        },
  };
}

function toLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
