import type { Clock, SecretValue } from '@taskgate/core';
import {
  createRecordingWriter,
  type NewRecordingEvent,
  type RecordingEventBody,
  type RecordingHead,
} from '@taskgate/recording';
import { createSessionSeal, sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';

export interface SessionRecorder {
  /** Adds to the chain; the bytes are in memory until {@link SessionRecorder.flush} or the end of this turn of the loop. */
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
  let scheduled = false;
  let failed = false;
  let ended = false;

  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    try {
      file.write(bytes);
    } catch (error) {
      failed = true;
      throw error;
    }
    options.onWritten();
  };
  const append = (event: RecordingEventBody): void => {
    if (ended) return;
    pending.push(writer.append({ ...event, at: clock.now() } as NewRecordingEvent));
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (ended || failed) return;
      try {
        flush();
      } catch {
        // `failed` is set: the next operation is refused, and its session ends.
      }
    });
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
