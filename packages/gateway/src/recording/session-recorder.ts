import type { Clock, SecretValue, TaskgateError } from '@taskgate/core';
import {
  createRecordingWriter,
  JsonBytes,
  RECORDING_LIMITS,
  type RecordingEventBody,
  type RecordingHead,
  type StatementEvent,
  type WrittenEventBody,
} from '@taskgate/recording';
import type { OperationJournal } from './operation-journal.ts';
import { createSessionSeal, sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';
import type { IndexedEvent, WrittenEvents } from './spool-indexer.ts';

/** Above this much the gathered events go to the file at once. */
const GATHER_BYTES = 256 * 1024;

export interface SessionRecorder {
  /** Adds to the recording; in memory until it is flushed, for some tens of milliseconds. */
  append(event: WrittenEventBody): void;
  /** The number under which the recording has the statement that `key` stands for; `describe` is asked the first time. */
  statementId(key: object, describe: () => Omit<StatementEvent, 'kind' | 'id'>): number;
  /** Likewise for the shape of a result. */
  shapeId(key: object): { readonly id: number; readonly known: boolean };
  /**
   * Calls `done(null)` when every operation appended so far is in the kernel: at once where it is already. Given an
   * error, nothing of them may be forwarded.
   */
  commit(done: (error: TaskgateError | null) => void): void;
  /** Everything appended is in the kernel when this returns. Throws `record-unavailable`: then nothing may be forwarded. */
  flush(): void;
  /** Appends the end; the file is closed when it holds it, which is tried until it succeeds. */
  end(event: Extract<RecordingEventBody, { kind: 'session-end' }>): void;
  readonly head: RecordingHead;
  /** The last write failed. */
  readonly failed: boolean;
}

/** JSON lists without their brackets. */
interface JournalEvents {
  readonly clear: Uint8Array;
  readonly secret: Uint8Array;
}

const copyOf = ({ clear, secret }: JournalEvents): JournalEvents => ({ clear: clear.slice(), secret: secret.slice() });

function listed(parts: readonly Uint8Array[]): Uint8Array {
  const list = new JsonBytes();
  for (const [index, part] of parts.entries()) {
    if (index > 0) list.raw(',');
    list.put(part);
  }
  return list.bytes.subarray(0, list.length);
}

export function createSessionRecorder(options: {
  readonly sessionId: string;
  readonly sessionKey: SecretValue;
  readonly wrappedKey: Uint8Array;
  readonly spool: Spool;
  readonly journal: OperationJournal;
  readonly clock: Clock;
  /** Called after each write with what is to be indexed of it. */
  readonly onWritten: (written: WrittenEvents) => void;
}): SessionRecorder {
  const { sessionId, journal, clock } = options;
  const writer = createRecordingWriter({
    header: { sessionId, createdAt: clock.now(), wrappedKey: options.wrappedKey },
    sha256,
    seal: createSessionSeal(options.sessionKey, sessionId),
  });
  const file = options.spool.create(sessionId);
  /** A part of the chain already: it is written before anything else is. */
  let frame: Uint8Array | null = writer.headerBytes;
  const { pending } = writer;
  /** Where in what is pending the events stand that the journal lacks: from and to in the clear part, and in the secret. */
  let notJournaled: number[] = [];
  /** Such events that are in a frame which could not be written. */
  let framed: JournalEvents | null = null;
  /** Among them is an operation, which must be in the kernel before it is forwarded; outcomes only go along. */
  let awaitsJournal = false;
  let gathers = false;
  let failed = false;
  let ended = false;
  let statements = new Map<object, number>();
  let shapes = new Map<object, number>();
  let nextId = 0;
  let seq = 0;
  let toIndex: IndexedEvent[] = [];
  /** What the statements say, by number: operations are indexed with it. */
  const said = new Map<number, Omit<StatementEvent, 'kind' | 'id' | 'secret'>>();

  /** Without what is secret. Field by field: to copy whole objects costs more than all else here. */
  const note = (event: WrittenEventBody, at: number): void => {
    const number = seq++;
    if (event.kind === 'operation' && 'statementId' in event) {
      const { statementClass, label, fingerprint, catalogVersion, relations, decision } = said.get(event.statementId)!;
      const { decisionId, via } = event;
      toIndex.push({
        kind: 'operation',
        seq: number,
        at,
        decisionId,
        via,
        statementClass,
        label,
        fingerprint,
        catalogVersion,
        relations,
        decision,
      });
    } else if (event.kind === 'outcome') {
      const { decisionId, outcome, tag, rows, bytes, maskedCells, durationMs, sqlstate } = event;
      toIndex.push({
        kind: 'outcome',
        seq: number,
        at,
        decisionId,
        outcome,
        tag,
        rows,
        bytes,
        maskedCells,
        durationMs,
        sqlstate,
      });
    } else if (event.kind === 'session-end') toIndex.push({ ...event, seq: number, at });
  };

  const takeNotJournaled = (): JournalEvents => {
    const ranges = notJournaled;
    notJournaled = [];
    const earlier = framed;
    framed = null;
    const { clear, secret } = pending;
    if (earlier === null && ranges.length === 4)
      return {
        clear: clear.bytes.subarray(ranges[0], ranges[1]),
        secret: secret.bytes.subarray(ranges[2], ranges[3]),
      };
    const clears = earlier === null ? [] : [earlier.clear];
    const secrets = earlier === null ? [] : [earlier.secret];
    for (let i = 0; i < ranges.length; i += 4) {
      clears.push(clear.bytes.subarray(ranges[i], ranges[i + 1]));
      secrets.push(secret.bytes.subarray(ranges[i + 2], ranges[i + 3]));
    }
    return { clear: listed(clears), secret: listed(secrets) };
  };

  const recorder = {
    append(event: WrittenEventBody): void {
      if (ended) return;
      const at = clock.now();
      const { clear, secret } = pending;
      // Behind the comma.
      const clearFrom = clear.length === 0 ? 0 : clear.length + 1;
      const secretFrom = secret.length === 0 ? 0 : secret.length + 1;
      writer.add(event, at);
      note(event, at);
      if (event.kind === 'operation' || event.kind === 'statement' || event.kind === 'outcome') {
        const last = notJournaled.length;
        if (last > 0 && notJournaled[last - 3] === clearFrom - 1) {
          notJournaled[last - 3] = clear.length;
          notJournaled[last - 1] = secret.length;
        } else notJournaled.push(clearFrom, clear.length, secretFrom, secret.length);
      }
      if (event.kind === 'operation') awaitsJournal = true;
      if (!gathers) journal.gather(recorder);
      gathers = true;
      if (clear.length + secret.length < GATHER_BYTES) return;
      try {
        recorder.flush();
      } catch {
        // `failed` is set: the next operation is refused, and its session ends.
      }
    },
    statementId(key: object, describe: () => Omit<StatementEvent, 'kind' | 'id'>): number {
      const known = statements.get(key);
      if (known !== undefined) return known;
      if (statements.size >= RECORDING_LIMITS.maxStatements) {
        statements = new Map();
        said.clear();
      }
      const id = nextId++;
      const described = describe();
      recorder.append({ kind: 'statement', id, ...described });
      const { secret: _, ...clear } = described;
      said.set(id, clear);
      statements.set(key, id);
      return id;
    },
    shapeId(key: object): { readonly id: number; readonly known: boolean } {
      const known = shapes.get(key);
      if (known !== undefined) return { id: known, known: true };
      if (shapes.size >= RECORDING_LIMITS.maxStatements) shapes = new Map();
      const id = nextId++;
      shapes.set(key, id);
      return { id, known: false };
    },
    commit(done: (error: TaskgateError | null) => void): void {
      if (!awaitsJournal) return done(null);
      const { clear, secret } = takeNotJournaled();
      awaitsJournal = false;
      journal.write(sessionId, clear, secret, (error) => {
        if (error !== null) failed = true;
        done(error);
      });
    },
    flush(): void {
      // Where the file takes it, it needs no journal; where not, the memory in which it stands is another's by then.
      if (notJournaled.length > 0) framed = copyOf(takeNotJournaled());
      notJournaled = [];
      try {
        for (;;) {
          frame ??= writer.frame();
          if (frame === null) break;
          file.write(frame);
          frame = null;
        }
        failed = false;
      } catch (error) {
        failed = true;
        throw error;
      } finally {
        gathers = false;
      }
      framed = null;
      awaitsJournal = false;
      if (ended) file.close();
      const events = toIndex;
      toIndex = [];
      options.onWritten({ events, head: writer.head });
    },
    end(event: Extract<RecordingEventBody, { kind: 'session-end' }>): void {
      if (ended) return;
      recorder.append(event);
      ended = true;
      try {
        recorder.flush();
      } catch {
        // The journal tries again; until then the session's recording has no end.
      }
    },
    get head() {
      return writer.head;
    },
    get failed() {
      return failed;
    },
  };
  return recorder;
}
