import { TaskgateError } from '@taskgate/core';

/**
 * The whole body. To be read before the caller is looked up: whoever sends it slowly is then asked who they are at its end,
 * not with the rights of its beginning. Throws `too-large`.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const tooLarge = (): TaskgateError =>
    new TaskgateError('too-large', `the request is larger than ${maxBytes / 1024} KiB`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
