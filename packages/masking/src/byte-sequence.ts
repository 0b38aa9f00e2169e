/** What a detector reads: a Uint8Array, or in tests something that counts the reads. */
export interface ByteSequence {
  readonly length: number;
  readonly [index: number]: number;
}

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** True where the ASCII `text` stands at `start` and ends before `to`. */
export function hasAt(bytes: ByteSequence, start: number, to: number, text: string): boolean {
  if (start + text.length > to) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** A set of ASCII bytes, as a table. `ranges` such as `az`, `09`, `--`: first and last, in pairs. */
export function byteSet(ranges: string, nonAscii = false): Uint8Array {
  const set = new Uint8Array(256);
  for (let i = 0; i < ranges.length; i += 2) set.fill(1, ranges.charCodeAt(i), ranges.charCodeAt(i + 1) + 1);
  if (nonAscii) set.fill(1, 0x80);
  return set;
}
