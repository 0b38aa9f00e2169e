import { TaskgateError, utf8Decode, utf8Encode } from '@taskgate/core';
import { readUint32, writeUint32 } from './bytes.ts';
import { RECORDING_LIMITS } from './limits.ts';

/** `TGREC`, then bytes that no text file has, so that a transfer in text mode shows at once (as PNG does). */
const MAGIC = Uint8Array.of(0x54, 0x47, 0x52, 0x45, 0x43, 0x0d, 0x0a, 0x1a);
const FIXED_BYTES = MAGIC.length + 4 + 2 + 8 + 2;

export const FORMAT_VERSION = 2;
/** Of before frames held several events. */
const OLDEST_VERSION = 1;

/** What a recording says of itself before its first event. */
export interface RecordingHeader {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The session's key as the vault wrapped it: opaque here. */
  readonly wrappedKey: Uint8Array;
}

/**
 * Magic (8) | u32 length of the whole header | u16 format version | u64 createdAt | u16 length of the session id |
 * session id | wrapped key to the end. Big-endian. Its SHA-256 is where the chain starts.
 */
export function encodeHeader(header: RecordingHeader): Uint8Array {
  const sessionId = utf8Encode(header.sessionId);
  const length = FIXED_BYTES + sessionId.length + header.wrappedKey.length;
  if (length > RECORDING_LIMITS.maxHeaderBytes)
    throw new TaskgateError('too-large', `a recording's header has at most ${RECORDING_LIMITS.maxHeaderBytes} bytes`);
  if (!Number.isSafeInteger(header.createdAt) || header.createdAt < 0)
    throw new TaskgateError('bad-input', 'a recording was created at a whole number of milliseconds since 1970');
  const bytes = new Uint8Array(length);
  bytes.set(MAGIC, 0);
  writeUint32(bytes, 8, length);
  bytes[12] = FORMAT_VERSION >> 8;
  bytes[13] = FORMAT_VERSION;
  writeUint32(bytes, 14, Math.floor(header.createdAt / 2 ** 32));
  writeUint32(bytes, 18, header.createdAt % 2 ** 32);
  bytes[22] = sessionId.length >> 8;
  bytes[23] = sessionId.length;
  bytes.set(sessionId, FIXED_BYTES);
  bytes.set(header.wrappedKey, FIXED_BYTES + sessionId.length);
  return bytes;
}

const malformed = (what: string): TaskgateError => new TaskgateError('bad-input', `this is not a recording: ${what}`);

/** The header and its length in bytes; `null` where more bytes are needed; throws `bad-input` where it is not one. */
export function decodeHeader(bytes: Uint8Array): { readonly header: RecordingHeader; readonly length: number } | null {
  for (let i = 0; i < Math.min(MAGIC.length, bytes.length); i++)
    if (bytes[i] !== MAGIC[i]) throw malformed('it does not start as one');
  if (bytes.length < FIXED_BYTES) return null;
  const length = readUint32(bytes, 8);
  if (length < FIXED_BYTES || length > RECORDING_LIMITS.maxHeaderBytes)
    throw malformed('its header has no such length');
  const version = (bytes[12]! << 8) | bytes[13]!;
  if (version < OLDEST_VERSION || version > FORMAT_VERSION)
    throw new TaskgateError(
      'not-supported',
      `recording format ${version} is not known here, ${OLDEST_VERSION} to ${FORMAT_VERSION} are`,
    );
  if (bytes.length < length) return null;
  const createdAt = readUint32(bytes, 14) * 2 ** 32 + readUint32(bytes, 18);
  if (!Number.isSafeInteger(createdAt)) throw malformed('its time is out of range');
  const sessionEnd = FIXED_BYTES + ((bytes[22]! << 8) | bytes[23]!);
  if (sessionEnd > length) throw malformed('its session id is longer than its header');
  const sessionId = utf8Decode(bytes.subarray(FIXED_BYTES, sessionEnd));
  if (sessionId === null) throw malformed('its session id is not UTF-8');
  return { header: { sessionId, createdAt, wrappedKey: bytes.slice(sessionEnd, length) }, length };
}
