import { assert } from '@taskgate/core';
import type { NewRecordingEvent, RecordingEventBody, WrittenEventBody } from './event.ts';
import { EncodedEvents, encodeFrame, HASH_BYTES, type Seal, type Sha256 } from './frame.ts';
import { encodeHeader, type RecordingHeader } from './header.ts';

/** How far a recording goes: what a later commitment is made to. */
export interface RecordingHead {
  /** Number of events. */
  readonly count: number;
  /** Hash of the last frame; with `count` 0 the SHA-256 of the header. */
  readonly hash: Uint8Array;
}

export interface RecordingWriter {
  /** To be written first. */
  readonly headerBytes: Uint8Array;
  /** Numbers the event of the instant `at`. It is in no frame until {@link RecordingWriter.frame}. */
  add(event: WrittenEventBody, at: number): void;
  /** What was added and is in no frame yet. */
  readonly pending: EncodedEvents;
  /**
   * One frame of all that was added since the last, or `null`. It is part of the chain from here on: it is to be written
   * before any later one.
   */
  frame(): Uint8Array | null;
  /** A frame of this event alone, and what was added before it. */
  append(event: NewRecordingEvent): Uint8Array;
  /** Of the frames so far. */
  readonly head: RecordingHead;
}

/**
 * Frames for one session, in order. `resumeAt` goes on after the last whole frame of a recording that a crash left
 * (see `decodeRecording`); the caller has cut the torn tail off.
 */
export function createRecordingWriter(options: {
  readonly header: RecordingHeader;
  readonly sha256: Sha256;
  readonly seal: Seal;
  readonly resumeAt?: RecordingHead;
}): RecordingWriter {
  const { sha256, seal } = options;
  const headerBytes = encodeHeader(options.header);
  let count = options.resumeAt?.count ?? 0;
  let hash = options.resumeAt?.hash ?? sha256(headerBytes);
  assert(hash.length === HASH_BYTES, 'a recording is chained by hashes of 32 bytes');
  const pending = new EncodedEvents();
  const add = (event: WrittenEventBody, at: number): void => pending.add(event, count + pending.count, at);
  const frame = (): Uint8Array | null => {
    if (pending.count === 0) return null;
    const encoded = encodeFrame(pending, { firstSeq: count, previousHash: hash, seal, sha256 });
    count += pending.count;
    pending.reset();
    hash = encoded.hash;
    return encoded.bytes;
  };
  return {
    headerBytes,
    add,
    pending,
    frame,
    append({ at, ...event }) {
      add(event as RecordingEventBody, at);
      return frame()!;
    },
    get head() {
      return { count, hash };
    },
  };
}
