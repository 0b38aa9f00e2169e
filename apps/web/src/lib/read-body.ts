import { TaskgateError } from '@taskgate/core';

/** How long a client may take to send it. */
const DEADLINE_MS = 30_000;
const FIRST_BYTES = 16_384;

/**
 * The whole body. The caller is looked up, or once more, when it is there: whoever sends it slowly acts with the rights of
 * its end, not of its beginning. Throws `too-large`, or `bad-input` after half a minute.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const tooLarge = (): TaskgateError =>
    new TaskgateError('too-large', `the request is larger than ${maxBytes / 1024} KiB`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  // One piece of memory: a million chunks of one byte must not be a million objects.
  let bytes = Buffer.alloc(Math.min(FIRST_BYTES, maxBytes));
  let length = 0;
  const reader = request.body?.getReader();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void reader?.cancel().catch(() => undefined);
  }, DEADLINE_MS);
  try {
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (late)
        throw new TaskgateError('bad-input', 'the request took longer than half a minute to arrive; send it again');
      if (done) break;
      const needed = length + value.byteLength;
      if (needed > maxBytes) throw tooLarge();
      if (needed > bytes.length) {
        const larger = Buffer.alloc(Math.min(maxBytes, Math.max(needed, bytes.length * 2)));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(value, length);
      length = needed;
    }
  } catch (error) {
    await reader?.cancel().catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return bytes.subarray(0, length);
}
