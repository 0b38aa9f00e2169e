import { TaskgateError, utf8Decode, utf8Encode } from '@taskgate/core';
import { concatBytes, readUint32, writeUint32 } from './bytes.ts';
import type { RecordingEventBody, StoredEvent } from './event.ts';
import { RECORDING_LIMITS } from './limits.ts';
import { checkClearEvent, parseJson } from './parse-event.ts';

export const HASH_BYTES = 32;
const LENGTH_BYTES = 4;
/** Flags, length of the clear part and, since version 2, number of events. */
const PREFIX_BYTES = 1 + 4 + 4;
const PREFIX_BYTES_1 = 1 + 4;
/** The least that a length field can say. */
export const MIN_FRAME_BYTES = PREFIX_BYTES_1 + HASH_BYTES;

/** High four bits: version of the frame. Lowest bit: there is a sealed part. All others must be zero. */
const VERSION_1 = 0x10;
const VERSION_2 = 0x20;
const HAS_SEALED = 0x01;

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * Encrypts the secret parts of a frame whose first event is `seq`. It must be authenticated, and `seq` and the session
 * should be part of what it authenticates, so that a sealed part cannot be moved to another frame.
 */
export type Seal = (plaintext: Uint8Array, seq: number) => Uint8Array;

/** The counterpart of {@link Seal}; rejects (or throws) what was not sealed for this session and `seq`. */
export type Open = (ciphertext: Uint8Array, seq: number) => Uint8Array | Promise<Uint8Array>;

/** An event as it will stand in its frame: JSON of the clear part, and of the secret part where it has one. */
export interface EncodedEvent {
  readonly clear: string;
  readonly secret: string | null;
}

/** One frame as it lies in the file. */
export interface RecordingFrame {
  /** Of the length field, from the start of the file. */
  readonly offset: number;
  /** Everything, from the length field through the hash. */
  readonly bytes: Uint8Array;
  /** The clear parts, in order; never empty. */
  readonly events: readonly StoredEvent[];
  /** `null` where no event has a secret part. */
  readonly sealed: Uint8Array | null;
  /** The sealed part is a list with one entry an event (version 2), or the one event's own. */
  readonly sealedList: boolean;
  readonly hash: Uint8Array;
}

/** Ids and command tags are plain ASCII, and need no escaping; what is not is written by the general way. */
const PLAIN = /^[\w .-]*$/;

/** `seq` and `at` are the event's {@link RecordingEvent} stamp. */
export function encodeEvent(event: RecordingEventBody, seq: number, at: number): EncodedEvent {
  // What each operation has is put together by hand: a stringify of each costs more than all else here.
  switch (event.kind) {
    case 'operation':
      if (!('statementId' in event) || !PLAIN.test(event.decisionId)) break;
      return {
        clear: `{"seq":${seq},"at":${at},"kind":"operation","decisionId":"${event.decisionId}","statementId":${event.statementId},"via":"${event.via}"}`,
        secret: JSON.stringify(event.secret),
      };
    case 'rows':
      if (!PLAIN.test(event.decisionId)) break;
      return {
        clear: `{"seq":${seq},"at":${at},"kind":"rows","decisionId":"${event.decisionId}","count":${event.count}}`,
        secret: JSON.stringify(event.secret),
      };
    case 'outcome':
      if (!PLAIN.test(event.decisionId) || !PLAIN.test(event.tag ?? '') || event.sqlstate !== null) break;
      return {
        clear:
          `{"seq":${seq},"at":${at},"kind":"outcome","decisionId":"${event.decisionId}","outcome":"${event.outcome}",` +
          `"tag":${event.tag === null ? 'null' : `"${event.tag}"`},"rows":${event.rows},"bytes":${event.bytes},"maskedCells":${event.maskedCells},` +
          `"durationMs":${event.durationMs},"sqlstate":null${event.shapeId === undefined ? '' : `,"shapeId":${event.shapeId}`}}`,
        secret: event.secret.message === null ? '{"message":null}' : JSON.stringify(event.secret),
      };
    default:
  }
  const { secret, ...clear } = { secret: undefined, ...event };
  return {
    clear: JSON.stringify({ seq, at, ...clear }),
    secret: secret === undefined ? null : JSON.stringify(secret),
  };
}

/**
 * u32 length of what follows | u8 version and flags | u32 length of the clear part | u32 number of events | clear JSON
 * list | sealed JSON list | SHA-256 of the previous hash and everything of this frame before the hash. Throws
 * `too-large`.
 */
export function encodeFrame(
  events: readonly EncodedEvent[],
  ports: { readonly firstSeq: number; readonly previousHash: Uint8Array; readonly seal: Seal; readonly sha256: Sha256 },
): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const clear = utf8Encode(`[${events.map((event) => event.clear).join(',')}]`);
  if (clear.length > RECORDING_LIMITS.maxClearBytes)
    throw new TaskgateError('too-large', `a frame's clear part has at most ${RECORDING_LIMITS.maxClearBytes} bytes`);
  const sealed = events.some((event) => event.secret !== null)
    ? ports.seal(utf8Encode(`[${events.map((event) => event.secret ?? 'null').join(',')}]`), ports.firstSeq)
    : null;
  const length = PREFIX_BYTES + clear.length + (sealed?.length ?? 0) + HASH_BYTES;
  if (length > RECORDING_LIMITS.maxFrameBytes)
    throw new TaskgateError('too-large', `a frame has at most ${RECORDING_LIMITS.maxFrameBytes} bytes`);

  const bytes = new Uint8Array(LENGTH_BYTES + length);
  writeUint32(bytes, 0, length);
  bytes[4] = VERSION_2 | (sealed === null ? 0 : HAS_SEALED);
  writeUint32(bytes, 5, clear.length);
  writeUint32(bytes, 9, events.length);
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

interface FrameParts {
  readonly version: number;
  readonly count: number;
  readonly clearStart: number;
  readonly clearEnd: number;
  readonly hasSealed: boolean;
}

/** Of the whole frame at `offset`. */
function partsAt(bytes: Uint8Array, offset: number, length: number): FrameParts {
  const flags = bytes[offset + 4]!;
  const version = flags & ~HAS_SEALED;
  if (version !== VERSION_1 && version !== VERSION_2) throw malformed('has flags that are not known here');
  const clearStart = offset + LENGTH_BYTES + (version === VERSION_1 ? PREFIX_BYTES_1 : PREFIX_BYTES);
  const clearLength = readUint32(bytes, offset + 5);
  if (clearLength > RECORDING_LIMITS.maxClearBytes || clearStart + clearLength > offset + length - HASH_BYTES)
    throw malformed('has a clear part that is longer than it');
  return {
    version,
    count: version === VERSION_1 ? 1 : readUint32(bytes, offset + 9),
    clearStart,
    clearEnd: clearStart + clearLength,
    hasSealed: (flags & HAS_SEALED) !== 0,
  };
}

/** How many events the whole frame at `offset`, of `length` bytes, says that it has. */
export function eventCountAt(bytes: Uint8Array, offset: number, length: number): number {
  return partsAt(bytes, offset, length).count;
}

/** `bytes` is one whole frame; `offset` where it lies in its file. Checks the form, not the chain. */
export function decodeFrame(bytes: Uint8Array, offset: number): RecordingFrame {
  if (frameLengthAt(bytes, 0) !== bytes.length) throw malformed('has another length than it says');
  const { version, count, clearStart, clearEnd, hasSealed } = partsAt(bytes, 0, bytes.length);
  const hashStart = bytes.length - HASH_BYTES;
  const json = utf8Decode(bytes.subarray(clearStart, clearEnd));
  if (json === null) throw malformed('is not UTF-8 in its clear part');
  const sealed = bytes.subarray(clearEnd, hashStart);
  if (!hasSealed && sealed.length > 0) throw malformed('has bytes that belong to nothing');
  const parsed = parseJson(json);
  const list = version === VERSION_1 ? [parsed] : parsed;
  if (!Array.isArray(list) || list.length === 0 || list.length !== count)
    throw malformed('has another number of events than it says');
  const events = list.map(checkClearEvent);
  if (events.some((event, index) => event.seq !== events[0]!.seq + index)) throw malformed('has events out of order');
  return {
    offset,
    bytes,
    events,
    sealed: hasSealed ? sealed : null,
    sealedList: version === VERSION_2,
    hash: bytes.subarray(hashStart),
  };
}
