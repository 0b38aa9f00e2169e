import { createRecordingReader, type ReadEvent, type RecordingHead } from '@taskgate/recording';
import type { ControlPlane, IndexedOperation, IndexedOutcome, SessionIndexBatch } from '../control-plane.ts';
import type { Log } from '../ports.ts';
import { createIndexPace } from './index-pace.ts';
import type { RecordingArchive } from './recording-archive.ts';
import type { Spool } from './spool.ts';

/** How long writes are gathered before the store hears of them: a quiet session soon, a busy one in larger pieces. */
const GATHER_MS = 200;
const GATHER_BUSY_MS = 1_500;
const BUSY_EVENTS = 60;
const MAX_BACKOFF_MS = 30_000;
/** Events of one call to the store. */
const MAX_BATCH_EVENTS = 2_000;
/** Events of one session, and of all, that wait in memory; beyond, they are read from the file again. */
const MAX_QUEUED_EVENTS = 5_000;
const MAX_QUEUED_EVENTS_OF_ALL = 50_000;
/** Of a file, at a time: some hundreds of events, which take ten times their length while they are looked at. */
const READ_BYTES = 256 * 1024;
/** Of one call while the sessions have the most of the time. */
const BUSY_BATCH_EVENTS = 1_000;

/** What the index needs of an event; the rest of it stays in the recording. */
export type IndexedEvent = Extract<ReadEvent, { readonly kind: 'operation' | 'outcome' | 'session-end' }>;

interface Followed {
  readonly sessionId: string;
  /** `null` while events come from the recorder itself; else the file is read, from its start. */
  reader: ReturnType<typeof createRecordingReader> | null;
  offset: number;
  /** Waiting for the store, in their order. */
  queue: IndexedEvent[];
  /** Events of the recording so far, those included that the index has no use for. */
  written: number;
  /** Set when its end has been written, or read. */
  head: RecordingHead | null;
  indexed: number;
  /** Operations without an outcome so far. */
  readonly open: Set<string>;
  urgent: boolean;
  dirty: boolean;
  busy: boolean;
  running: boolean;
  failures: number;
  timer: NodeJS.Timeout | null;
}

/** What a recorder has just written. */
export interface WrittenEvents {
  readonly events: readonly IndexedEvent[];
  readonly head: RecordingHead;
}

export interface SpoolIndexer {
  /** Something was written to this session's file: `written`, or what is to be read from it. */
  touch(sessionId: string, written?: WrittenEvents): void;
  /** Resolves when all that is in the spool has been indexed, or `signal` aborts. */
  drain(signal: AbortSignal): Promise<void>;
}

/**
 * Brings what is in the spool to the store, at least once. What waits is held in memory up to a bound and then read from
 * the file again, so that an outage of the store costs no more and loses nothing. When the end has been indexed, the
 * recording moves to the archive and leaves the spool.
 */
export function createSpoolIndexer(options: {
  readonly spool: Spool;
  readonly archive: RecordingArchive;
  readonly controlPlane: ControlPlane;
  readonly log: Log;
}): SpoolIndexer {
  const { spool, archive, controlPlane, log } = options;
  const followed = new Map<string, Followed>();
  const idle = new Set<() => void>();
  const pace = createIndexPace({ monotonicMs: () => performance.now(), utilization: loopUtilization() });
  let draining = false;
  /** What a file gives is in memory for one session at a time. */
  let fromFile: Promise<unknown> = Promise.resolve();

  /** Events that wait, of all sessions. */
  let waiting = 0;
  const setQueue = (entry: Followed, queue: IndexedEvent[]): void => {
    waiting += queue.length - entry.queue.length;
    entry.queue = queue;
  };
  const schedule = (entry: Followed, delayMs: number): void => {
    if (entry.running || entry.timer !== null) return;
    entry.timer = setTimeout(() => {
      entry.timer = null;
      void run(entry);
    }, delayMs);
  };
  const hurry = (entry: Followed): void => {
    if (entry.timer === null) return;
    clearTimeout(entry.timer);
    entry.timer = null;
    schedule(entry, GATHER_MS);
  };

  async function run(entry: Followed): Promise<void> {
    entry.running = true;
    try {
      entry.dirty = false;
      await indexOnce(entry);
      entry.failures = 0;
    } catch (error) {
      entry.dirty = true;
      entry.failures += 1;
      if (entry.reader !== null) readAnew(entry);
      if (entry.failures <= 2 || entry.failures % 10 === 0)
        log.warn('recording not indexed yet', {
          session: entry.sessionId,
          failures: entry.failures,
          error: String(error),
        });
    } finally {
      entry.running = false;
    }
    if (!followed.has(entry.sessionId)) {
      if (followed.size === 0) for (const wake of idle) wake();
      return;
    }
    if (entry.dirty || entry.queue.length > 0) schedule(entry, delayOf(entry));
  }

  async function indexOnce(entry: Followed): Promise<void> {
    do {
      const paced = pace.busy && !draining && !entry.urgent;
      if (paced && !pace.isTurn()) {
        entry.busy = false;
        entry.dirty = true;
        return;
      }
      const startedAt = performance.now();
      try {
        if (!(await indexSome(entry, paced ? BUSY_BATCH_EVENTS : MAX_BATCH_EVENTS))) break;
      } finally {
        // Whatever went wrong: a turn that is never given back would stop the index for as long as it is busy.
        pace.took(performance.now() - startedAt);
      }
    } while (entry.queue.length > 0);
    entry.urgent = false;
  }

  /** One call to the store, of so many events at most; false where there was nothing to say. */
  function indexSome(entry: Followed, most: number): Promise<boolean> {
    if (entry.reader === null) return indexQueue(entry, most);
    const mine = fromFile.then(async () => {
      // While the store is away no file is read for it again and again.
      if (entry.failures > 0)
        await controlPlane.indexSession(entry.sessionId, {
          operations: [],
          outcomes: [],
          end: null,
          upTo: entry.indexed,
        });
      if (entry.reader !== null) readFile(entry, entry.reader, most);
      return indexQueue(entry, most);
    });
    fromFile = mine.catch(() => undefined);
    return mine;
  }

  async function indexQueue(entry: Followed, most: number): Promise<boolean> {
    const events = entry.queue.slice(0, most);
    entry.busy = events.length >= BUSY_EVENTS;
    const { batch, opened, closed } = toBatch(entry, events, events.length === entry.queue.length);
    if (batch.operations.length === 0 && batch.outcomes.length === 0 && batch.end === null) return false;
    await controlPlane.indexSession(entry.sessionId, batch);
    for (const id of opened) entry.open.add(id);
    for (const id of closed) entry.open.delete(id);
    entry.indexed = batch.upTo;
    setQueue(entry, entry.queue.slice(events.length));
    if (batch.end === null) return true;
    await archive.store(entry.sessionId, spool.chunks(entry.sessionId));
    spool.remove(entry.sessionId);
    setQueue(entry, []);
    followed.delete(entry.sessionId);
    return true;
  }

  /** What is new in the file; of what the store has already, nothing. */
  function readFile(entry: Followed, reader: ReturnType<typeof createRecordingReader>, most: number): void {
    while (entry.queue.length < most) {
      const bytes = spool.read(entry.sessionId, entry.offset, READ_BYTES);
      if (bytes.length === 0) return;
      entry.offset += bytes.length;
      for (const { event, frame } of reader.push(bytes)) {
        entry.written = event.seq + 1;
        if (event.kind === 'session-end') entry.head = { count: entry.written, hash: frame.hash.slice() };
        if (event.seq < entry.indexed || !isIndexed(event)) continue;
        entry.queue.push(event);
        waiting += 1;
      }
    }
    entry.dirty = true;
  }

  /** From the start: what the store has of it is passed over. */
  function readAnew(entry: Followed): void {
    setQueue(entry, []);
    entry.reader = createRecordingReader({ sealed: false });
    entry.offset = 0;
  }

  /** `last`: nothing waits behind these, so that all that was written is indexed with them. */
  function toBatch(entry: Followed, events: readonly IndexedEvent[], last: boolean) {
    const operations: IndexedOperation[] = [];
    // Of two outcomes of one operation the later one holds.
    const outcomes = new Map<string, IndexedOutcome>();
    const opened = new Set<string>();
    const closed = new Set<string>();
    let end: SessionIndexBatch['end'] = null;
    for (const event of events) {
      if (event.kind === 'operation') {
        operations.push({
          seq: event.seq,
          at: event.at,
          decisionId: event.decisionId,
          outcome: event.decision.outcome,
          statementClass: event.statementClass,
          label: event.label,
          fingerprint: event.fingerprint,
          catalogVersion: event.catalogVersion,
          relations: event.relations,
          reasons: event.decision.reasons,
        });
        opened.add(event.decisionId);
      } else if (event.kind === 'outcome') {
        const { decisionId, outcome, tag, rows, bytes, maskedCells, durationMs, sqlstate } = event;
        outcomes.set(decisionId, { decisionId, outcome, tag, rows, bytes, maskedCells, durationMs, sqlstate });
        opened.delete(event.decisionId);
        closed.add(event.decisionId);
      } else {
        // INVARIANT: what has no outcome by the end may have run at the target: it is `unknown`, never `skipped`.
        for (const decisionId of [...entry.open, ...opened])
          if (!closed.has(decisionId))
            outcomes.set(decisionId, {
              decisionId,
              outcome: 'unknown',
              tag: null,
              rows: null,
              bytes: 0,
              maskedCells: 0,
              durationMs: null,
              sqlstate: null,
            });
        const head = entry.head!;
        end = {
          at: event.at,
          reason: event.reason,
          detail: event.detail,
          interrupted: event.reason === 'gateway-crashed',
          head: { count: head.count, hash: Buffer.from(head.hash).toString('hex') },
          bytesIn: event.bytesIn,
          bytesOut: event.bytesOut,
        };
      }
    }
    const upTo = last ? entry.written : (events.at(-1)?.seq ?? entry.indexed - 1) + 1;
    return {
      batch: { operations, outcomes: [...outcomes.values()], end, upTo } satisfies SessionIndexBatch,
      opened,
      closed,
    };
  }

  function follow(sessionId: string, fromFile: boolean): Followed {
    const entry: Followed = {
      sessionId,
      reader: fromFile ? createRecordingReader({ sealed: false }) : null,
      offset: 0,
      queue: [],
      written: 0,
      head: null,
      indexed: 0,
      open: new Set(),
      urgent: false,
      dirty: true,
      busy: false,
      running: false,
      failures: 0,
      timer: null,
    };
    followed.set(sessionId, entry);
    return entry;
  }

  return {
    touch(sessionId, written) {
      const entry = followed.get(sessionId) ?? follow(sessionId, written === undefined);
      entry.dirty = true;
      if (written !== undefined) pace.arrive(written.events.length);
      if (written !== undefined && entry.reader === null) {
        entry.written = written.head.count;
        const { length } = written.events;
        if (entry.queue.length + length <= MAX_QUEUED_EVENTS && waiting + length <= MAX_QUEUED_EVENTS_OF_ALL) {
          entry.queue.push(...written.events);
          waiting += length;
        } else {
          // Those that a call to the store has in hand are taken from what is read again by their number.
          readAnew(entry);
        }
      }
      const last = written?.events.at(-1);
      schedule(entry, delayOf(entry));
      if (last?.kind === 'session-end') {
        entry.head = written!.head;
        hurry(entry);
      }
      // Somebody may be looking at the page that explains it.
      if (!entry.urgent && written?.events.some((event) => isUrgent(event) && isNear(entry, event))) {
        entry.urgent = true;
        hurry(entry);
      }
    },
    async drain(signal) {
      draining = true;
      for (const entry of followed.values()) {
        if (entry.timer !== null) clearTimeout(entry.timer);
        entry.timer = null;
        schedule(entry, 0);
      }
      while (followed.size > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          idle.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
  };
}

function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

function isIndexed(event: { readonly kind: ReadEvent['kind'] }): event is IndexedEvent {
  return event.kind === 'operation' || event.kind === 'outcome' || event.kind === 'session-end';
}

/** The end of a session that left much behind it waits for its turn: behind it are hours of work, not a page. */
function isNear({ reader }: Followed, event: IndexedEvent): boolean {
  return event.kind !== 'session-end' || reader === null;
}

/** Refusals, holds and errors are explained to people; and an end is waited for. */
function isUrgent(event: IndexedEvent): boolean {
  if (event.kind === 'operation') return event.decision.outcome !== 'allow';
  return event.kind === 'session-end' || event.outcome !== 'done';
}

function delayOf(entry: Followed): number {
  if (entry.failures > 0) return Math.min(MAX_BACKOFF_MS, GATHER_MS * 2 ** Math.min(10, entry.failures));
  return entry.busy && !entry.urgent ? GATHER_BUSY_MS : GATHER_MS;
}
