import { equalBytes, TaskgateError } from '@taskgate/core';
import { concatBytes, toHex } from './bytes.ts';
import { decodeFrame, eventCountAt, frameLengthAt, HASH_BYTES } from './frame.ts';
import { decodeHeader } from './header.ts';
import type { RecordingHead } from './recording-writer.ts';

export type ChainBreak =
  | 'format' // what is there is no header or no frame
  | 'length' // a length that no frame has
  | 'truncated' // the last frame is not whole, or fewer events are there than were committed to
  | 'hash' // the frame, or the one before it, was changed
  | 'order' // another event stands in this place
  | 'head'; // whole and chained, but not what was committed to

export type ChainVerdict =
  | { readonly ok: true; readonly count: number; readonly head: Uint8Array }
  | {
      readonly ok: false;
      /** The first event that cannot be trusted; all before it are as they were written. */
      readonly at: number;
      readonly reason: ChainBreak;
      /** Hash in lower hex, or a number: what should be there. */
      readonly expected: string;
      readonly found: string;
    };

/** How many digests are asked for before the first is waited for: WebCrypto takes a turn of the loop for each. */
const BATCH = 512;

/**
 * Checks a whole plain recording against its own chain and, where given, against the head that was committed to
 * elsewhere. Without `expectedHead` whole events cut off the end go unseen, and so does a file that someone who can
 * write it has chained anew: consistent, not proven. Runs in browsers; `sha256` may be WebCrypto's digest.
 */
export async function verifyChain(
  bytes: Uint8Array,
  options: {
    readonly sha256: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
    readonly expectedHead?: RecordingHead;
  },
): Promise<ChainVerdict> {
  const { sha256, expectedHead } = options;
  const headerLength = headerLengthOf(bytes);
  if (typeof headerLength !== 'number') return headerLength;

  // Each frame names its own hash, so all can be checked at once, each against the stored hash before it: the first
  // that does not fit is the first that was changed.
  let previous = await sha256(bytes.subarray(0, headerLength));
  let offset = headerLength;
  let count = 0;
  while (offset < bytes.length) {
    const frames: Uint8Array[] = [];
    const digests: (Uint8Array | Promise<Uint8Array>)[] = [];
    let broken: ChainVerdict | null = null;
    let before = previous;
    let seq = count;
    while (offset < bytes.length && frames.length < BATCH) {
      const length = lengthOrBreak(bytes, offset, seq);
      if (typeof length !== 'number') {
        broken = length;
        break;
      }
      const frame = bytes.subarray(offset, offset + length);
      digests.push(sha256(concatBytes([before, frame.subarray(0, length - HASH_BYTES)])));
      frames.push(frame);
      seq += countOf(frame);
      before = frame.subarray(length - HASH_BYTES);
      offset += length;
    }
    const computed = await Promise.all(digests);
    for (const [index, frame] of frames.entries()) {
      const verdict = checkFrame(frame, computed[index]!, count);
      if (verdict !== null) return verdict;
      count += countOf(frame);
    }
    if (broken !== null) return broken;
    previous = before;
  }

  if (expectedHead === undefined) return { ok: true, count, head: previous.slice() };
  if (count < expectedHead.count) return failed(count, 'truncated', String(expectedHead.count), String(count));
  if (count > expectedHead.count) return failed(expectedHead.count, 'head', String(expectedHead.count), String(count));
  if (!equalBytes(previous, expectedHead.hash))
    // Chained anew from somewhere on; the chain alone cannot say from where.
    return failed(0, 'head', toHex(expectedHead.hash), toHex(previous));
  return { ok: true, count, head: previous.slice() };
}

const failed = (at: number, reason: ChainBreak, expected: string, found: string): ChainVerdict => ({
  ok: false,
  at,
  reason,
  expected,
  found,
});

function headerLengthOf(bytes: Uint8Array): number | ChainVerdict {
  try {
    const decoded = decodeHeader(bytes);
    if (decoded === null) return failed(0, 'truncated', 'a whole header', `${bytes.length} bytes`);
    return decoded.length;
  } catch (error) {
    if (!(error instanceof TaskgateError)) throw error;
    return failed(0, 'format', 'the header of a recording', error.message);
  }
}

function lengthOrBreak(bytes: Uint8Array, offset: number, seq: number): number | ChainVerdict {
  const left = bytes.length - offset;
  let length: number | null;
  try {
    length = frameLengthAt(bytes, offset);
  } catch (error) {
    if (!(error instanceof TaskgateError)) throw error;
    return failed(seq, 'length', 'the length of a frame', toHex(bytes.subarray(offset, offset + 4)));
  }
  if (length === null || length > left)
    return failed(seq, 'truncated', length === null ? 'a whole frame' : `${length} bytes`, `${left} bytes`);
  return length;
}

/** One for a frame that cannot be read: it does not verify either. */
function countOf(frame: Uint8Array): number {
  try {
    return eventCountAt(frame, 0, frame.length);
  } catch {
    return 1;
  }
}

function checkFrame(frame: Uint8Array, computed: Uint8Array, seq: number): ChainVerdict | null {
  const stored = frame.subarray(frame.length - HASH_BYTES);
  const chained = equalBytes(stored, computed);
  try {
    const found = decodeFrame(frame, 0).events[0]!.seq;
    if (found !== seq) return failed(seq, 'order', String(seq), String(found));
  } catch (error) {
    if (!(error instanceof TaskgateError)) throw error;
    if (chained) return failed(seq, 'format', 'an event', error.message);
  }
  return chained ? null : failed(seq, 'hash', toHex(computed), toHex(stored));
}
