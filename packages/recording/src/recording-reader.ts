import { TaskgateError } from '@taskgate/core';
import { decodeFrame, frameLengthAt, HASH_BYTES } from './frame.ts';
import { decodeHeader, type RecordingHeader } from './header.ts';
import { createEventJoiner, type RecordedEvent } from './recorded-event.ts';
import type { RecordingHead } from './recording-writer.ts';
import { SEALED_MARKER } from './sealed-marker.ts';

export interface RecordingEndState {
  /** `torn`: the last write did not reach the file whole, as after a crash. */
  readonly tail: 'clean' | 'torn';
  /** Length of the header and of all whole frames: where to cut a torn file before going on with it. */
  readonly wholeBytes: number;
}

export interface RecordingReader {
  /** `null` until it has arrived whole. */
  readonly header: RecordingHeader | null;
  /** The events of whole frames that this chunk completes. Throws `bad-input` at the first that is none; the reader is then done with. */
  push(chunk: Uint8Array): RecordedEvent[];
  /** To be called after the last chunk. */
  end(): RecordingEndState;
}

/**
 * Reads a plain recording in chunks of any size. Checks the form of each frame; the chain is `verifyChain`'s. With `sealed:
 * false` secret parts cannot be opened, and what a long recording takes is bounded.
 */
export function createRecordingReader(options: { readonly sealed: boolean } = { sealed: true }): RecordingReader {
  let header: RecordingHeader | null = null;
  let buffer = new Uint8Array(0);
  let used = 0;
  /** File offset of buffer[0]. */
  let base = 0;
  /** What must be there before another try makes sense: a large frame in small chunks costs one try, not one a chunk. */
  let needed = 1;
  let zeroTail = false;
  const join = createEventJoiner(options);

  const append = (chunk: Uint8Array): void => {
    if (used + chunk.length > buffer.length) {
      const larger = new Uint8Array(
        Math.max(used + chunk.length, Math.min(buffer.length * 2, buffer.length + 2 ** 24)),
      );
      larger.set(buffer.subarray(0, used));
      buffer = larger;
    }
    buffer.set(chunk, used);
    used += chunk.length;
  };

  return {
    get header() {
      return header;
    },
    push(chunk) {
      if (zeroTail) {
        if (chunk.some((byte) => byte !== 0)) throw new TaskgateError('bad-input', 'a frame follows a torn one');
        return [];
      }
      append(chunk);
      if (used < needed) return [];
      const events: RecordedEvent[] = [];
      const available = buffer.subarray(0, used);
      let offset = 0;
      if (header === null) {
        const decoded = decodeHeader(available);
        if (decoded === null) return [];
        header = decoded.header;
        offset = decoded.length;
      }
      needed = 4;
      while (used - offset >= 4) {
        if (startsAt(available, offset, SEALED_MARKER))
          throw new TaskgateError('bad-input', 'this recording is sealed; unseal it first');
        // A file system can leave zeroes where a write was under way when the machine died.
        if (available.subarray(offset).every((byte) => byte === 0)) {
          zeroTail = true;
          break;
        }
        const length = frameLengthAt(available, offset)!;
        if (used - offset < length) {
          needed = length;
          break;
        }
        events.push(...join(decodeFrame(available.slice(offset, offset + length), base + offset)));
        offset += length;
      }
      if (offset > 0) {
        buffer = available.slice(offset);
        used = buffer.length;
        base += offset;
      }
      return events;
    },
    end() {
      if (header === null) throw new TaskgateError('bad-input', 'the recording ends within its header');
      return { tail: used === 0 ? 'clean' : 'torn', wholeBytes: base };
    },
  };
}

function startsAt(bytes: Uint8Array, offset: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[offset + i] !== prefix[i]) return false;
  return true;
}

export interface DecodedRecording extends RecordingEndState {
  readonly header: RecordingHeader;
  readonly events: readonly RecordedEvent[];
  /** Of what is there; with no event the hash is empty. */
  readonly head: RecordingHead;
}

/** A whole plain recording at once. Every whole frame before a torn tail is there. */
export function decodeRecording(bytes: Uint8Array): DecodedRecording {
  const reader = createRecordingReader();
  const events = reader.push(bytes);
  const state = reader.end();
  const last = events.at(-1)?.frame;
  return {
    header: reader.header!,
    events,
    head: { count: events.length, hash: last?.hash ?? new Uint8Array(HASH_BYTES) },
    ...state,
  };
}
