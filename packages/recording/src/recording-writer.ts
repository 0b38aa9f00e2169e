import { assert } from '@taskgate/core';
import type { NewRecordingEvent } from './event.ts';
import { encodeEvent, HASH_BYTES, type Seal, type Sha256 } from './frame.ts';
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
  /**
   * Numbers the event and gives its frame. The frame is part of the chain from here on: where it cannot be written,
   * the recording has ended, and what it was about must be refused.
   */
  append(event: NewRecordingEvent): Uint8Array;
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
  return {
    headerBytes,
    append(event) {
      const frame = encodeEvent({ ...event, seq: count }, { previousHash: hash, seal, sha256 });
      count += 1;
      hash = frame.hash;
      return frame.bytes;
    },
    get head() {
      return { count, hash };
    },
  };
}
