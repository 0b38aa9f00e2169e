import type { HoldOutcome, OperationOutcome, ReadEvent, ReadEventOf, RecordedValue } from './event.ts';

export interface TimelineHold {
  readonly holdId: string;
  readonly openedAt: number;
  /** `null` while it waits, or where the gateway died meanwhile. */
  readonly closedAt: number | null;
  readonly outcome: HoldOutcome | null;
  readonly by: readonly string[];
  readonly comment: string | null;
}

export interface TimelineOperation {
  readonly operation: ReadEventOf<'operation'>;
  readonly holds: readonly TimelineHold[];
  /** The columns of its result. */
  readonly shape: Pick<ReadEventOf<'shape'>, 'columns'> | null;
  /** Rows recorded, which may be fewer than `outcome.rows`. */
  readonly rowsRecorded: number;
  /** The recorded rows; `null` where they were not opened. */
  readonly rows: readonly (readonly RecordedValue[])[] | null;
  readonly copyData: readonly ReadEventOf<'copy-data'>[];
  readonly outcome: ReadEventOf<'outcome'> | null;
  /** `unknown`: it may have run. Denied, or held and not approved, it was never forwarded: that is known without an outcome. */
  readonly status: OperationOutcome | 'unknown';
  /** Milliseconds spent in holds that were closed. */
  readonly heldMs: number;
  /** As the outcome says; `null` without one. */
  readonly durationMs: number | null;
}

export interface Timeline {
  readonly start: ReadEventOf<'session-start'> | null;
  /** In the order in which they were decided. */
  readonly operations: readonly TimelineOperation[];
  /** `null`: the session goes on, or its end was not recorded. */
  readonly end: ReadEventOf<'session-end'> | null;
  /** Milliseconds from the first event to the last. */
  readonly durationMs: number;
  /** Events of an operation that is not there: only in a recording that was tampered with or cut at the front. */
  readonly orphans: readonly ReadEvent[];
}

interface Draft {
  readonly operation: ReadEventOf<'operation'>;
  readonly holds: TimelineHold[];
  shape: ReadEventOf<'shape'> | null;
  readonly rows: ReadEventOf<'rows'>[];
  readonly copyData: ReadEventOf<'copy-data'>[];
  outcome: ReadEventOf<'outcome'> | null;
}

/** What happened in a session, from its events in the order of `seq`. */
export function buildTimeline(events: readonly ReadEvent[]): Timeline {
  const drafts: Draft[] = [];
  const shapes = new Map<number, ReadEventOf<'shape'>>();
  const byDecision = new Map<string, Draft>();
  const orphans: ReadEvent[] = [];
  let start: ReadEventOf<'session-start'> | null = null;
  let end: ReadEventOf<'session-end'> | null = null;

  for (const event of events) {
    if (event.kind === 'session-start') {
      start ??= event;
      continue;
    }
    if (event.kind === 'session-end') {
      end = event;
      continue;
    }
    if (event.kind === 'statement') continue;
    if (event.kind === 'shape' && event.id !== undefined) shapes.set(event.id, event);
    if (event.kind === 'operation') {
      const draft: Draft = { operation: event, holds: [], shape: null, rows: [], copyData: [], outcome: null };
      drafts.push(draft);
      byDecision.set(event.decisionId, draft);
      continue;
    }
    const draft = byDecision.get(event.decisionId);
    if (draft === undefined) orphans.push(event);
    else addTo(draft, event, shapes);
  }

  const first = events[0];
  const last = events.at(-1);
  return {
    start,
    operations: drafts.map(toOperation),
    end,
    durationMs: first && last ? Math.max(0, last.at - first.at) : 0,
    orphans,
  };
}

function addTo(
  draft: Draft,
  event: Exclude<ReadEvent, { kind: 'session-start' | 'session-end' | 'statement' | 'operation' }>,
  shapes: ReadonlyMap<number, ReadEventOf<'shape'>>,
): void {
  switch (event.kind) {
    case 'hold-opened':
      draft.holds.push({
        holdId: event.holdId,
        openedAt: event.at,
        closedAt: null,
        outcome: null,
        by: [],
        comment: null,
      });
      return;
    case 'hold-closed': {
      const index = draft.holds.findIndex((hold) => hold.holdId === event.holdId);
      const { holdId, outcome, by, comment } = event;
      const closed = {
        holdId,
        openedAt: draft.holds[index]?.openedAt ?? event.at,
        closedAt: event.at,
        outcome,
        by,
        comment,
      };
      if (index < 0) draft.holds.push(closed);
      else draft.holds[index] = closed;
      return;
    }
    case 'shape':
      draft.shape = event;
      return;
    case 'rows':
      draft.rows.push(event);
      return;
    case 'copy-data':
      draft.copyData.push(event);
      return;
    case 'outcome':
      // A commit that failed behind it has written another one, which holds.
      draft.outcome = event;
      if (event.shapeId !== undefined) draft.shape ??= shapes.get(event.shapeId) ?? null;
      return;
  }
}

function toOperation(draft: Draft): TimelineOperation {
  const { operation, outcome } = draft;
  const opened = draft.rows.every((event) => event.secret !== undefined);
  return {
    operation,
    holds: draft.holds,
    shape: draft.shape,
    rowsRecorded: draft.rows.reduce((sum, event) => sum + event.count, 0),
    rows: opened ? draft.rows.flatMap((event) => event.secret!.rows) : null,
    copyData: draft.copyData,
    outcome,
    status: outcome?.outcome ?? statusWithoutOutcome(draft),
    heldMs: draft.holds.reduce(
      (sum, hold) => sum + (hold.closedAt === null ? 0 : Math.max(0, hold.closedAt - hold.openedAt)),
      0,
    ),
    durationMs: outcome?.durationMs ?? null,
  };
}

function statusWithoutOutcome(draft: Draft): TimelineOperation['status'] {
  if (draft.operation.decision.outcome === 'deny') return 'refused';
  const hold = draft.holds.at(-1)?.outcome ?? null;
  if (hold === 'refused' || hold === 'timed-out') return 'refused';
  return hold === 'cancelled' ? 'cancelled' : 'unknown';
}
