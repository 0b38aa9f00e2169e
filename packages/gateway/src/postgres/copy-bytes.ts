const SLAB_BYTES = 64 * 1024;
/** What is longer gets memory of its own: it would keep too much of what is small alive, and the other way round. */
const MAX_SHARED_BYTES = 4 * 1024;

let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

/** A copy that outlives the memory it came in. Small ones lie in memory together, which costs less than an array each. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > MAX_SHARED_BYTES) return new Uint8Array(bytes);
  if (used + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  copy.set(bytes);
  used += length;
  return copy;
}
