import { TaskgateError, utf8Decode, utf8Encode } from '@taskgate/core';
import { concatBytes, readUint32, writeUint32 } from './bytes.ts';
import type { ReadEvent, RecordingEvent } from './event.ts';
import { RECORDING_LIMITS } from './limits.ts';
import { parseClearEvent, withSecret } from './parse-event.ts';

export const HASH_BYTES = 32;
const LENGTH_BYTES = 4;
/** Flags, and the length of the clear part. */
const PREFIX_BYTES = 1 + 4;
/** The least that a length field can say. */
export const MIN_FRAME_BYTES = PREFIX_BYTES + HASH_BYTES;

/** High four bits: version of the frame. Lowest bit: there is a sealed part. All others must be zero. */
const FRAME_VERSION = 0x10;
const HAS_SEALED = 0x01;

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * Encrypts the secret part of event `seq`. It must be authenticated, and `seq` and the session should be part of what
 * it authenticates, so that a sealed part cannot be moved to another event.
 */
export type Seal = (plaintext: Uint8Array, seq: number) => Uint8Array;

/** The counterpart of {@link Seal}; rejects (or throws) what was not sealed for this session and `seq`. */
export type Open = (ciphertext: Uint8Array, seq: number) => Uint8Array | Promise<Uint8Array>;

/** One event as it lies in the file. */
export interface RecordingFrame {
  /** Of the length field, from the start of the file. */
  readonly offset: number;
  /** Everything, from the length field through the hash. */
  readonly bytes: Uint8Array;
  /** The clear part. */
  readonly event: ReadEvent;
  /** `null` where the event has no secret part. */
  readonly sealed: Uint8Array | null;
  readonly hash: Uint8Array;
}

/**
 * u32 length of what follows | u8 version and flags | u32 length of the clear part | clear JSON | sealed bytes |
 * SHA-256 of the previous hash and everything of this frame before the hash.
 */
export function encodeEvent(
  event: RecordingEvent,
  ports: { readonly previousHash: Uint8Array; readonly seal: Seal; readonly sha256: Sha256 },
): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const { secret, ...clearEvent } = { secret: undefined, ...event };
  const clear = utf8Encode(JSON.stringify(clearEvent));
  if (clear.length > RECORDING_LIMITS.maxClearBytes)
    throw new TaskgateError('too-large', `an event's clear part has at most ${RECORDING_LIMITS.maxClearBytes} bytes`);
  const sealed = secret === undefined ? null : ports.seal(utf8Encode(JSON.stringify(secret)), event.seq);
  const length = PREFIX_BYTES + clear.length + (sealed?.length ?? 0) + HASH_BYTES;
  if (length > RECORDING_LIMITS.maxFrameBytes)
    throw new TaskgateError('too-large', `an event has at most ${RECORDING_LIMITS.maxFrameBytes} bytes`);

  const bytes = new Uint8Array(LENGTH_BYTES + length);
  writeUint32(bytes, 0, length);
  bytes[4] = FRAME_VERSION | (sealed === null ? 0 : HAS_SEALED);
  writeUint32(bytes, 5, clear.length);
  bytes.set(clear, LENGTH_BYTES + PREFIX_BYTES);
  if (sealed !== null) bytes.set(sealed, LENGTH_BYTES + PREFIX_BYTES + clear.length);
  const hash = ports.sha256(concatBytes([ports.previousHash, bytes.subarray(0, bytes.length - HASH_BYTES)]));
  bytes.set(hash, bytes.length - HASH_BYTES);
  return { bytes, hash };
}

const malformed = (what: string): TaskgateError => new TaskgateError('bad-input', `a frame of the recording ${what}`);

/**
 * Length in bytes of the frame at `offset`, its length field included; `null` where not even the length is there.
 * Throws `bad-input` for a length that no frame has, before anything is buffered for it.
 */
export function frameLengthAt(bytes: Uint8Array, offset: number): number | null {
  if (bytes.length - offset < LENGTH_BYTES) return null;
  const length = readUint32(bytes, offset);
  if (length < MIN_FRAME_BYTES || length > RECORDING_LIMITS.maxFrameBytes) throw malformed('has no possible length');
  return LENGTH_BYTES + length;
}

/** `bytes` is one whole frame; `offset` where it lies in its file. Checks the form, not the chain. */
export function decodeFrame(bytes: Uint8Array, offset: number): RecordingFrame {
  if (frameLengthAt(bytes, 0) !== bytes.length) throw malformed('has another length than it says');
  const flags = bytes[4]!;
  if ((flags & ~HAS_SEALED) !== FRAME_VERSION) throw malformed('has flags that are not known here');
  const clearStart = LENGTH_BYTES + PREFIX_BYTES;
  const clearLength = readUint32(bytes, 5);
  const hashStart = bytes.length - HASH_BYTES;
  if (clearLength > RECORDING_LIMITS.maxClearBytes || clearStart + clearLength > hashStart)
    throw malformed('has a clear part that is longer than it');
  const json = utf8Decode(bytes.subarray(clearStart, clearStart + clearLength));
  if (json === null) throw malformed('is not UTF-8 in its clear part');
  const sealed = bytes.subarray(clearStart + clearLength, hashStart);
  const hasSealed = (flags & HAS_SEALED) !== 0;
  if (!hasSealed && sealed.length > 0) throw malformed('has bytes that belong to nothing');
  return {
    offset,
    bytes,
    event: parseClearEvent(json),
    sealed: hasSealed ? sealed : null,
    hash: bytes.subarray(hashStart),
  };
}

/** The event with its secret part, opened under the session's key. Throws `bad-input` where it does not open. */
export async function openEvent(frame: RecordingFrame, open: Open): Promise<ReadEvent> {
  if (frame.sealed === null) return frame.event;
  let plaintext: Uint8Array;
  try {
    plaintext = await open(frame.sealed, frame.event.seq);
  } catch (cause) {
    throw new TaskgateError('bad-input', `the sealed part of event ${frame.event.seq} does not open with this key`, {
      cause,
    });
  }
  const json = utf8Decode(plaintext);
  if (json === null) throw malformed('is not UTF-8 in its sealed part');
  return withSecret(frame.event, json);
}
