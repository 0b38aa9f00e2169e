import { type SourcePosition, utf8Encode } from '@taskgate/core';

/** Turns the parser's byte offsets into places of the text. The tables are made when they are first needed. */
export interface TextPositions {
  /** Index (UTF-16 units) of a byte offset. */
  indexOf(byteOffset: number): number;
  /** Line and column of `byteOffset`, both counted from the place `fromByte`; columns in characters. */
  position(byteOffset: number, fromByte: number): SourcePosition;
}

interface Tables {
  /** For each byte offset: how many characters come before it. `null` where all are one byte. */
  readonly characters: Uint32Array | null;
  readonly indexes: Uint32Array | null;
  readonly newlines: readonly number[];
}

export function createTextPositions(text: string): TextPositions {
  let tables: Tables | null = null;
  const load = (): Tables => {
    tables ??= makeTables(text);
    return tables;
  };
  return {
    indexOf(byteOffset) {
      const { indexes } = load();
      return indexes === null ? byteOffset : (indexes[Math.min(byteOffset, indexes.length - 1)] ?? text.length);
    },
    position(byteOffset, fromByte) {
      const { characters, newlines } = load();
      const before = (offset: number) =>
        characters === null ? offset : (characters[Math.min(offset, characters.length - 1)] ?? 0);
      const first = countBelow(newlines, fromByte);
      const last = countBelow(newlines, byteOffset);
      const lineStart = last > first ? newlines[last - 1]! + 1 : fromByte;
      return { line: last - first + 1, column: before(byteOffset) - before(lineStart) + 1 };
    },
  };
}

function makeTables(text: string): Tables {
  const bytes = utf8Encode(text);
  const newlines: number[] = [];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) newlines.push(at);
  if (bytes.length === text.length) return { characters: null, indexes: null, newlines };
  const characters = new Uint32Array(bytes.length + 1);
  const indexes = new Uint32Array(bytes.length + 1);
  let character = 0;
  let index = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (at > 0 && (byte & 0xc0) !== 0x80) {
      character += 1;
      index += bytes[at - 1] !== undefined && isLongBefore(bytes, at) ? 2 : 1;
    }
    characters[at] = character;
    indexes[at] = index;
  }
  characters[bytes.length] = character + 1;
  indexes[bytes.length] = text.length;
  return { characters, indexes, newlines };
}

/** Whether the character that ends before `at` has four bytes, so two UTF-16 units. */
function isLongBefore(bytes: Uint8Array, at: number): boolean {
  return at >= 4 && (bytes[at - 4]! & 0xf8) === 0xf0;
}

/** How many of the ascending numbers are below `limit`. */
function countBelow(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
