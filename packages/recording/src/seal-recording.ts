import { TaskgateError } from '@taskgate/core';
import { concatBytes, readUint32, writeUint32 } from './bytes.ts';
import { eventCountAt, frameLengthAt } from './frame.ts';
import { decodeHeader } from './header.ts';
import { RECORDING_LIMITS } from './limits.ts';
import { SEALED_MARKER } from './sealed-marker.ts';

/** u32 each: plain length, packed length, seq of the first event, number of events. */
const BLOCK_HEADER_BYTES = 16;

type Bytes = Uint8Array | Promise<Uint8Array>;

const malformed = (what: string): TaskgateError => new TaskgateError('bad-input', `the sealed recording ${what}`);

/**
 * The sealed form of a whole plain recording: its header, a marker, then blocks of whole frames, each compressed on
 * its own so that a reader can fetch the events it wants, and an empty block as the end. The chain is over the plain
 * bytes, so sealing changes nothing that was committed to.
 */
export async function sealRecording(
  plain: Uint8Array,
  ports: { readonly compress: (bytes: Uint8Array) => Bytes },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of sealChunks([plain], ports)) parts.push(part);
  return concatBytes(parts);
}

/** The same for a recording that comes, and goes, piece by piece: of it no more than one block and one piece is in memory. */
export async function* sealChunks(
  plain: Iterable<Uint8Array>,
  ports: { readonly compress: (bytes: Uint8Array) => Bytes },
): AsyncGenerator<Uint8Array> {
  const pieces = plain[Symbol.iterator]();
  let held: Uint8Array = new Uint8Array(0);
  let more = true;
  const readMore = (): boolean => {
    const { value, done } = pieces.next();
    if (done === true) more = false;
    else held = held.length === 0 ? value : concatBytes([held, value]);
    return more;
  };

  let header = decodeHeader(held);
  while (header === null && readMore()) header = decodeHeader(held);
  if (header === null) throw malformed('cannot be made: the recording ends within its header');
  yield held.subarray(0, header.length);
  yield SEALED_MARKER;
  held = held.subarray(header.length);

  let seq = 0;
  for (;;) {
    let end = 0;
    let count = 0;
    for (;;) {
      const length = frameLengthAt(held, end);
      if (length === null || end + length > held.length) {
        if (more && readMore()) continue;
        if (end < held.length) throw malformed('cannot be made: cut the torn tail off the recording first');
        break;
      }
      if (count > 0 && end + length > RECORDING_LIMITS.sealedBlockBytes) break;
      count += eventCountAt(held, end, length);
      end += length;
    }
    if (end === 0) break;
    const packed = await ports.compress(held.subarray(0, end));
    yield blockHeader(end, packed.length, seq, count);
    yield packed;
    seq += count;
    held = held.subarray(end);
  }
  yield blockHeader(0, 0, seq, 0);
}

function blockHeader(...fields: readonly [number, number, number, number]): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES);
  for (const [index, field] of fields.entries()) writeUint32(bytes, index * 4, field);
  return bytes;
}

/** True for the sealed form, false for the plain one; throws `bad-input` for what is no recording. */
export function isSealedRecording(bytes: Uint8Array): boolean {
  const header = decodeHeader(bytes);
  if (header === null) throw malformed('ends within its header');
  return SEALED_MARKER.every((byte, index) => bytes[header.length + index] === byte);
}

/**
 * The exact plain bytes that were sealed. `decompress` is given the length that the block must have and must not make
 * more; `maxBytes` bounds the whole result, so that a small file cannot fill the memory.
 */
export async function unsealRecording(
  sealed: Uint8Array,
  ports: {
    readonly decompress: (bytes: Uint8Array, plainLength: number) => Bytes;
    readonly maxBytes: number;
  },
): Promise<Uint8Array> {
  if (!isSealedRecording(sealed)) throw malformed('is not sealed');
  const header = decodeHeader(sealed)!;
  const parts: Uint8Array[] = [sealed.subarray(0, header.length)];
  let total = header.length;
  let offset = header.length + SEALED_MARKER.length;
  let seq = 0;
  for (;;) {
    if (sealed.length - offset < BLOCK_HEADER_BYTES) throw malformed('is cut off');
    const plainLength = readUint32(sealed, offset);
    const packedLength = readUint32(sealed, offset + 4);
    const firstSeq = readUint32(sealed, offset + 8);
    const count = readUint32(sealed, offset + 12);
    offset += BLOCK_HEADER_BYTES;
    if (firstSeq !== seq) throw malformed('has a block missing or out of place');
    if (plainLength === 0) {
      if (packedLength !== 0 || count !== 0) throw malformed('ends in a block that is not empty');
      if (offset !== sealed.length) throw malformed('goes on after its end');
      return concatBytes(parts);
    }
    total += plainLength;
    if (total > ports.maxBytes)
      throw new TaskgateError(
        'too-large',
        `the recording has more than the ${ports.maxBytes} bytes that are let in here`,
      );
    if (packedLength > sealed.length - offset) throw malformed('is cut off');
    const plain = await ports.decompress(sealed.subarray(offset, offset + packedLength), plainLength);
    if (plain.length !== plainLength) throw malformed('has a block of another length than it says');
    if (countEvents(plain) !== count) throw malformed('has a block with another number of events than it says');
    parts.push(plain);
    offset += packedLength;
    seq += count;
  }
}

function countEvents(bytes: Uint8Array): number {
  let count = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const length = frameLengthAt(bytes, offset);
    if (length === null || offset + length > bytes.length) throw malformed('has a block that cuts a frame');
    count += eventCountAt(bytes, offset, length);
    offset += length;
  }
  return count;
}
