import { createRecordingReader, decodeRecording, type ReadEvent } from '@taskgate/recording';
import type { ControlPlane, IndexedOperation, IndexedOutcome, SessionIndexBatch } from '../control-plane.ts';
import type { Log } from '../ports.ts';
import type { RecordingArchive } from './recording-archive.ts';
import type { Spool } from './spool.ts';

/** How long writes are gathered before the store hears of them: a quiet session soon, a busy one in larger pieces. */
const GATHER_MS = 200;
const GATHER_BUSY_MS = 1_500;
const BUSY_EVENTS = 60;
const MAX_BACKOFF_MS = 30_000;

interface Followed {
  readonly sessionId: string;
  readonly reader: ReturnType<typeof createRecordingReader>;
  offset: number;
  upTo: number;
  /** Operations without an outcome so far. */
  readonly open: Set<string>;
  dirty: boolean;
  busy: boolean;
  running: boolean;
  failures: number;
  timer: NodeJS.Timeout | null;
}

export interface SpoolIndexer {
  /** Something was written to this session's file. */
  touch(sessionId: string): void;
  /** Resolves when all that is in the spool has been indexed, or `signal` aborts. */
  drain(signal: AbortSignal): Promise<void>;
}

/**
 * Brings what is in the spool to the store, at least once: it reads the file again from where the store last agreed, so
 * an outage of the store costs no memory and loses nothing. When the end has been indexed, the recording moves to the
 * archive and leaves the spool.
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

  const schedule = (entry: Followed, delayMs: number): void => {
    if (entry.running || entry.timer !== null) return;
    entry.timer = setTimeout(() => {
      entry.timer = null;
      void run(entry);
    }, delayMs);
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
    if (entry.dirty) schedule(entry, delayOf(entry));
  }

  async function indexOnce(entry: Followed): Promise<void> {
    for (;;) {
      // The reader keeps what is not a whole frame yet; on failure below, `queue` is what must be sent again.
      const bytes = spool.read(entry.sessionId, entry.offset);
      if (bytes.length === 0) break;
      entry.offset += bytes.length;
      const events = entry.reader.push(bytes).map(({ event }) => event);
      queueOf(entry).push(...events);
    }
    const events = queueOf(entry);
    if (events.length === 0) return;
    entry.busy = events.length >= BUSY_EVENTS;
    const batch = toBatch(entry, events);
    await controlPlane.indexSession(entry.sessionId, batch.batch);
    for (const id of batch.opened) entry.open.add(id);
    for (const id of batch.closed) entry.open.delete(id);
    entry.upTo = batch.batch.upTo;
    queues.set(entry.sessionId, []);
    if (batch.batch.end === null) return;
    await archive.store(entry.sessionId, spool.readAll(entry.sessionId));
    spool.remove(entry.sessionId);
    followed.delete(entry.sessionId);
    queues.delete(entry.sessionId);
  }

  const queues = new Map<string, ReadEvent[]>();
  function queueOf(entry: Followed): ReadEvent[] {
    let queue = queues.get(entry.sessionId);
    if (queue === undefined) {
      queue = [];
      queues.set(entry.sessionId, queue);
    }
    return queue;
  }

  function toBatch(entry: Followed, events: readonly ReadEvent[]) {
    const operations: IndexedOperation[] = [];
    const outcomes: IndexedOutcome[] = [];
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
        outcomes.push({ decisionId, outcome, tag, rows, bytes, maskedCells, durationMs, sqlstate });
        opened.delete(event.decisionId);
        closed.add(event.decisionId);
      } else if (event.kind === 'session-end') {
        // INVARIANT: what has no outcome by the end may have run at the target: it is `unknown`, never `skipped`.
        for (const decisionId of [...entry.open, ...opened])
          if (!closed.has(decisionId))
            outcomes.push({
              decisionId,
              outcome: 'unknown',
              tag: null,
              rows: null,
              bytes: 0,
              maskedCells: 0,
              durationMs: null,
              sqlstate: null,
            });
        const whole = decodeRecording(spool.readAll(entry.sessionId));
        end = {
          at: event.at,
          reason: event.reason,
          detail: event.detail,
          interrupted: event.reason === 'gateway-crashed',
          head: { count: whole.head.count, hash: Buffer.from(whole.head.hash).toString('hex') },
          bytesIn: event.bytesIn,
          bytesOut: event.bytesOut,
        };
      }
    }
    const upTo = entry.upTo + events.length;
    return { batch: { operations, outcomes, end, upTo } satisfies SessionIndexBatch, opened, closed };
  }

  return {
    touch(sessionId) {
      let entry = followed.get(sessionId);
      if (entry === undefined) {
        entry = {
          sessionId,
          reader: createRecordingReader(),
          offset: 0,
          upTo: 0,
          open: new Set(),
          dirty: true,
          busy: false,
          running: false,
          failures: 0,
          timer: null,
        };
        followed.set(sessionId, entry);
      }
      entry.dirty = true;
      schedule(entry, delayOf(entry));
    },
    async drain(signal) {
      for (const entry of followed.values()) schedule(entry, 0);
      while (followed.size > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          idle.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
  };
}

function delayOf(entry: Followed): number {
  if (entry.failures > 0) return Math.min(MAX_BACKOFF_MS, GATHER_MS * 2 ** Math.min(10, entry.failures));
  return entry.busy ? GATHER_BUSY_MS : GATHER_MS;
}
