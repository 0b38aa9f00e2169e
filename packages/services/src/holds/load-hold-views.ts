import type { IdentityActor, ServiceContext } from '../context.ts';
import { recordView } from '../sessions/record-view.ts';
import { loadReplayRights } from '../sessions/session-access.ts';
import { SESSION_SELECT, toSessionRow } from '../sessions/session-row.ts';
import { isPartyToHold } from './hold-actions.ts';
import type { HoldRow } from './hold-row.ts';
import { type HoldView, toHoldViews } from './to-hold-view.ts';

/** Rows for reading. */
export async function loadHoldViews(
  ctx: ServiceContext,
  actor: IdentityActor,
  rows: readonly HoldRow[],
): Promise<HoldView[]> {
  const { db, clock } = ctx.services;
  const readable = await readableHolds(ctx, actor, rows);
  return toHoldViews(db, actor, rows, clock.now(), (row) => readable.has(row.id));
}

/**
 * Whose statements the person may read. A held statement is part of its session's recording: an auditor reads it where
 * they may replay that, and it is written down as any other reading.
 */
export async function readableHolds(
  ctx: ServiceContext,
  actor: IdentityActor,
  rows: readonly HoldRow[],
): Promise<ReadonlySet<string>> {
  const { db } = ctx.services;
  const others = rows.filter((row) => !isPartyToHold(actor, row));
  const sessionIds = [...new Set(others.map((row) => row.sessionId))];
  const stored =
    sessionIds.length === 0
      ? []
      : await db.session.findMany({ where: { id: { in: sessionIds } }, select: SESSION_SELECT });
  const sessions = stored.map(toSessionRow);
  const mayReplay = await loadReplayRights(db, actor, sessions);
  const readable = new Set(sessions.filter(mayReplay).map((session) => session.id));
  for (const sessionId of readable) await recordView(ctx, actor, sessionId, 'recording.view');
  return new Set(rows.filter((row) => isPartyToHold(actor, row) || readable.has(row.sessionId)).map((row) => row.id));
}
