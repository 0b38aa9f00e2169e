import type { Clock, SecretValue } from '@taskgate/core';
import {
  createRecordingWriter,
  type NewRecordingEvent,
  type RecordingEventBody,
  type RecordingHead,
} from '@taskgate/recording';
import { createSessionSeal, sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';

/**
 * How long what need not be durable yet (outcomes, rows) is gathered into one write. A crash in between loses outcomes,
 * never operations: those are flushed before they are forwarded, and then say `unknown`.
 */
const GATHER_MS = 50;
const GATHER_BYTES = 256 * 1024;

export interface SessionRecorder {
  /** Adds to the chain; the bytes are in memory until the next {@link SessionRecorder.flush}, at most {@link GATHER_MS}. */
  append(event: RecordingEventBody): void;
  /** Everything appended is in the kernel when this returns. Throws `record-unavailable`: then nothing may be forwarded. */
  flush(): void;
  /** Appends the end, flushes and closes the file. */
  end(event: Extract<RecordingEventBody, { kind: 'session-end' }>): void;
  readonly head: RecordingHead;
  /** Set once a write failed. */
  readonly failed: boolean;
}

export function createSessionRecorder(options: {
  readonly sessionId: string;
  readonly sessionKey: SecretValue;
  readonly wrappedKey: Uint8Array;
  readonly spool: Spool;
  readonly clock: Clock;
  /** Called after each write: there is something to index. */
  readonly onWritten: () => void;
}): SessionRecorder {
  const { sessionId, spool, clock } = options;
  const writer = createRecordingWriter({
    header: { sessionId, createdAt: clock.now(), wrappedKey: options.wrappedKey },
    sha256,
    seal: createSessionSeal(options.sessionKey, sessionId),
  });
  const file = spool.create(sessionId);
  let pending: Uint8Array[] = [writer.headerBytes];
  let pendingBytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let failed = false;
  let ended = false;

  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    try {
      file.write(bytes);
    } catch (error) {
      failed = true;
      throw error;
    }
    options.onWritten();
  };
  const tryFlush = (): void => {
    timer = null;
    if (ended || failed) return;
    try {
      flush();
    } catch {
      // `failed` is set: the next operation is refused, and its session ends.
    }
  };
  const append = (event: RecordingEventBody): void => {
    if (ended) return;
    const frame = writer.append({ ...event, at: clock.now() } as NewRecordingEvent);
    pending.push(frame);
    pendingBytes += frame.length;
    if (pendingBytes >= GATHER_BYTES) return tryFlush();
    timer ??= setTimeout(tryFlush, GATHER_MS);
  };
  return {
    append,
    flush,
    end(event) {
      if (ended) return;
      append(event);
      ended = true;
      try {
        flush();
      } finally {
        file.close();
      }
    },
    get head() {
      return writer.head;
    },
    get failed() {
      return failed;
    },
  };
}
