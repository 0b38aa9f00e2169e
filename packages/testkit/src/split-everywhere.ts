/**
 * Ways in which a network may cut `bytes`: whole, byte by byte, and in two at each place. A decoder must see the same
 * messages in all of them. Yields length + 1 ways, each a list of non-empty chunks that are copies.
 */
export function* splitEverywhere(bytes: Uint8Array): Generator<Uint8Array[]> {
  if (bytes.length === 0) return;
  yield [bytes.slice()];
  yield Array.from(bytes, (byte) => Uint8Array.of(byte));
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
}

/** Cuts `bytes` into chunks of `sizes`, used round and round; every size is at least 1. */
export function splitBySizes(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? bytes.length);
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}
