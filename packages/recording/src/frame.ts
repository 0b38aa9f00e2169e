import { TaskgateError, utf8Decode } from '@taskgate/core';
import { concatBytes, readUint32, writeUint32 } from './bytes.ts';
import type { RecordedValue, StoredEvent, WrittenEventBody } from './event.ts';
import { JsonBytes } from './json-bytes.ts';
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

/** Events as they will stand in their frame: JSON lists, without their brackets, of the clear and of the secret parts. */
export class EncodedEvents {
  readonly clear = new JsonBytes();
  /** `null` for an event without a secret part. */
  readonly secret = new JsonBytes();
  count = 0;
  hasSecret = false;

  /** `seq` and `at` are the event's {@link RecordingEvent} stamp. */
  add(event: WrittenEventBody, seq: number, at: number): void {
    const { clear, secret } = this;
    if (this.count > 0) {
      clear.raw(',');
      secret.raw(',');
    }
    this.count += 1;
    clear.raw('{"seq":');
    clear.number(seq);
    clear.raw(',"at":');
    clear.number(at);
    // What each operation has is put together by hand: a stringify of each costs more than all else here.
    if (event.kind === 'operation' && 'statementId' in event) {
      clear.raw(',"kind":"operation","decisionId":');
      clear.text(event.decisionId);
      clear.raw(',"statementId":');
      clear.number(event.statementId);
      clear.raw(',"via":');
      clear.text(event.via);
      clear.raw('}');
      secret.raw('{"parameters":');
      putValues(secret, event.secret.parameters);
      secret.raw(event.secret.truncated === true ? ',"truncated":true}' : '}');
    } else if (event.kind === 'rows' && 'json' in event) {
      clear.raw(',"kind":"rows","decisionId":');
      clear.text(event.decisionId);
      clear.raw(',"count":');
      clear.number(event.count);
      clear.raw('}');
      secret.raw('{"rows":[');
      secret.put(event.json.bytes, event.json.length);
      secret.raw(']}');
    } else if (event.kind === 'outcome') {
      clear.raw(',"kind":"outcome","decisionId":');
      clear.text(event.decisionId);
      clear.raw(',"outcome":');
      clear.text(event.outcome);
      clear.raw(',"tag":');
      clear.text(event.tag);
      clear.raw(',"rows":');
      clear.number(event.rows);
      clear.raw(',"bytes":');
      clear.number(event.bytes);
      clear.raw(',"maskedCells":');
      clear.number(event.maskedCells);
      clear.raw(',"durationMs":');
      clear.number(event.durationMs);
      clear.raw(',"sqlstate":');
      clear.text(event.sqlstate);
      if (event.shapeId !== undefined) {
        clear.raw(',"shapeId":');
        clear.number(event.shapeId);
      }
      clear.raw('}');
      secret.raw('{"message":');
      secret.text(event.secret.message);
      secret.raw('}');
    } else {
      const { secret: hidden, ...rest } = { secret: undefined, ...event };
      clear.raw(`,${JSON.stringify(rest).slice(1)}`);
      if (hidden === undefined) return secret.raw('null');
      secret.raw(JSON.stringify(hidden));
    }
    this.hasSecret = true;
  }

  reset(): void {
    this.clear.clear();
    this.secret.clear();
    this.count = 0;
    this.hasSecret = false;
  }
}

function putValues(json: JsonBytes, values: readonly RecordedValue[]): void {
  json.raw('[');
  for (let i = 0; i < values.length; i++) {
    if (i > 0) json.raw(',');
    json.text(values[i]!);
  }
  json.raw(']');
}

const OPEN = 0x5b;
const CLOSE = 0x5d;

function listOf({ bytes, length }: JsonBytes): Uint8Array {
  const list = new Uint8Array(length + 2);
  list[0] = OPEN;
  list.set(bytes.subarray(0, length), 1);
  list[length + 1] = CLOSE;
  return list;
}

/**
 * u32 length of what follows | u8 version and flags | u32 length of the clear part | u32 number of events | clear JSON
 * list | sealed JSON list | SHA-256 of the previous hash and everything of this frame before the hash. Throws
 * `too-large`.
 */
export function encodeFrame(
  events: EncodedEvents,
  ports: { readonly firstSeq: number; readonly previousHash: Uint8Array; readonly seal: Seal; readonly sha256: Sha256 },
): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const clear = listOf(events.clear);
  if (clear.length > RECORDING_LIMITS.maxClearBytes)
    throw new TaskgateError('too-large', `a frame's clear part has at most ${RECORDING_LIMITS.maxClearBytes} bytes`);
  const sealed = events.hasSecret ? ports.seal(listOf(events.secret), ports.firstSeq) : null;
  const length = PREFIX_BYTES + clear.length + (sealed?.length ?? 0) + HASH_BYTES;
  if (length > RECORDING_LIMITS.maxFrameBytes)
    throw new TaskgateError('too-large', `a frame has at most ${RECORDING_LIMITS.maxFrameBytes} bytes`);

  const bytes = new Uint8Array(LENGTH_BYTES + length);
  writeUint32(bytes, 0, length);
  bytes[4] = VERSION_2 | (sealed === null ? 0 : HAS_SEALED);
  writeUint32(bytes, 5, clear.length);
  writeUint32(bytes, 9, events.count);
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
