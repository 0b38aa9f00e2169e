import type { Duplex } from 'node:stream';

/** The peer went away, or the deadline passed, before it had said what was expected. */
export class PreludeEnded extends Error {
  override readonly name = 'PreludeEnded';
}

export interface PreludeReader {
  /** Waits until `decode` makes something of the bytes so far; it says how many it used, or `null` for more. */
  read<T>(decode: (bytes: Uint8Array) => { readonly value: T; readonly bytes: number } | null): Promise<T>;
  /** Bytes that came after what was read. */
  readonly rest: Uint8Array;
  /** Stops listening and gives the rest back: the stream is paused, its next owner attaches its own listeners. */
  release(): Uint8Array;
}

/**
 * Reads the few messages in front of a session from a paused stream. What is buffered is bounded by what `decode`
 * lets through: decoders refuse an over-long length as soon as they see it, and `maxBytes` bounds the rest.
 */
export function createPreludeReader(stream: Duplex, maxBytes: number): PreludeReader {
  let buffer = new Uint8Array(0);
  let wake: (() => void) | null = null;
  let ended = false;

  const onData = (chunk: Uint8Array): void => {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    buffer = joined;
    if (buffer.length > maxBytes) stream.pause();
    wake?.();
  };
  const onEnd = (): void => {
    ended = true;
    wake?.();
  };
  stream.on('data', onData);
  stream.on('end', onEnd);
  stream.on('close', onEnd);
  stream.on('error', onEnd);

  return {
    async read(decode) {
      for (;;) {
        const result = buffer.length === 0 ? null : decode(buffer);
        if (result !== null) {
          buffer = buffer.slice(result.bytes);
          return result.value;
        }
        if (ended || buffer.length > maxBytes) throw new PreludeEnded('the peer ended before it said enough');
        stream.resume();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = null;
      }
    },
    get rest() {
      return buffer;
    },
    release() {
      stream.pause();
      stream.off('data', onData);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      stream.off('error', onEnd);
      return buffer;
    },
  };
}
