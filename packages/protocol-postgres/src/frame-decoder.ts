import { showTag } from './message-tags.ts';
import { type ProtocolError, violation } from './protocol-error.ts';

/** One whole message: a tag byte, four bytes of length, the body. */
export interface Frame {
  readonly tag: number;
  /** Header and body, the very bytes that came in. */
  readonly raw: Uint8Array;
}

export interface FrameDecoder {
  /**
   * The messages that `chunk` completes, in order. A message that lies whole in the chunk is a view of it, so whoever
   * reuses the chunk's memory must be done with the frames first; what straddles chunks is copied before this returns.
   *
   * Throws {@link ProtocolError} `08P01` on an unknown tag or an impossible length; messages in front of it in the same
   * chunk are dropped (the connection is over), and every later call throws the same again.
   */
  push(chunk: Uint8Array): Frame[];
  /**
   * As {@link FrameDecoder.push}, but hands each message over as soon as it is found. `run`, where given, is asked at the
   * start of each message that lies in the chunk: it may take any number of whole messages from there itself, and
   * answers where it stopped.
   */
  each(chunk: Uint8Array, onFrame: (frame: Frame) => void, run?: (chunk: Uint8Array, at: number) => number): void;
  /** Bytes held back for a message that is not whole yet. */
  readonly bufferedBytes: number;
}

const HEADER_BYTES = 5;
/** Up to this size a straddling message gets all its memory at once; above, memory follows what has really arrived. */
const EAGER_BYTES = 64 * 1024;

/** `maxBytes`: the most bytes of a whole message with this tag. Both are asked before anything is buffered. */
export function createFrameDecoder(options: {
  readonly maxBytes: (tag: number) => number;
  readonly knows: (tag: number) => boolean;
}): FrameDecoder {
  const header = new Uint8Array(HEADER_BYTES);
  let partial: Uint8Array = header;
  /** Bytes of the unfinished message that are in `partial`. */
  let held = 0;
  /** Size of the unfinished message; 0 while its header is not whole. */
  let total = 0;
  let failure: ProtocolError | null = null;

  function fail(message: string): never {
    failure = violation(message);
    partial = header;
    held = 0;
    throw failure;
  }

  function checkTag(tag: number): void {
    if (!options.knows(tag)) fail(`unknown message type ${showTag(tag)}`);
  }

  /** Size of the whole message whose header is at `at`. */
  function frameBytes(bytes: Uint8Array, at: number): number {
    const tag = bytes[at]!;
    // Signed on purpose: 4 GiB sizes that wrap (CVE-2024-27304) turn up negative and are refused.
    const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
    if (length < 4) fail(`message ${showTag(tag)} has the impossible length ${length}`);
    const most = options.maxBytes(tag);
    if (length + 1 > most) fail(`message ${showTag(tag)} has ${length + 1} bytes, more than the ${most} allowed`);
    return length + 1;
  }

  function reserve(bytes: number): void {
    if (partial.length >= bytes) return;
    const size = total <= EAGER_BYTES ? total : Math.min(total, Math.max(bytes, partial.length * 2, EAGER_BYTES));
    const grown = new Uint8Array(size);
    grown.set(partial.subarray(0, held));
    partial = grown;
  }

  /** Adds to the unfinished message from `offset`; returns how much it took. */
  function resume(chunk: Uint8Array, offset: number, onFrame: (frame: Frame) => void): number {
    let at = offset;
    if (total === 0) {
      if (held === 0) checkTag(chunk[at]!);
      while (held < HEADER_BYTES && at < chunk.length) header[held++] = chunk[at++]!;
      if (held < HEADER_BYTES) return at - offset;
      total = frameBytes(header, 0);
    }
    const taken = Math.min(total - held, chunk.length - at);
    reserve(held + taken);
    partial.set(chunk.subarray(at, at + taken), held);
    held += taken;
    if (held === total) {
      // The header's own array is used again for the next message: a message of five bytes needs its copy.
      const frame = { tag: header[0]!, raw: partial === header ? header.slice() : partial };
      partial = header;
      held = 0;
      total = 0;
      onFrame(frame);
    }
    return at + taken - offset;
  }

  function each(
    chunk: Uint8Array,
    onFrame: (frame: Frame) => void,
    run?: (chunk: Uint8Array, at: number) => number,
  ): void {
    if (failure !== null) throw failure;
    let offset = held > 0 && chunk.length > 0 ? resume(chunk, 0, onFrame) : 0;
    while (offset < chunk.length) {
      if (run !== undefined) {
        offset = run(chunk, offset);
        if (offset >= chunk.length) return;
      }
      if (chunk.length - offset >= HEADER_BYTES) {
        checkTag(chunk[offset]!);
        const end = offset + frameBytes(chunk, offset);
        if (end <= chunk.length) {
          onFrame({ tag: chunk[offset]!, raw: chunk.subarray(offset, end) });
          offset = end;
          continue;
        }
      }
      offset += resume(chunk, offset, onFrame);
    }
  }

  return {
    each,
    push(chunk) {
      const frames: Frame[] = [];
      each(chunk, (frame) => frames.push(frame));
      return frames;
    },
    get bufferedBytes() {
      return held;
    },
  };
}
