const POOL_BYTES = 4096;

/** The same source, asked for more at a time: an id's few bytes cost a system call each otherwise. No byte is given twice. */
export function createRandomPool(randomBytes: (length: number) => Uint8Array): (length: number) => Uint8Array {
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (length > POOL_BYTES / 16) return randomBytes(length);
    if (used + length > pool.length) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    used += length;
    return pool.slice(used - length, used);
  };
}
