import { utf8Encode } from '@taskgate/core';

/**
 * The bytes that are signed when a recording ends: three lines of session id, number of events, and the hash of the
 * last one in lower hex. Whoever verifies a recording builds them from what they found.
 */
export function encodeSessionHead(
  sessionId: string,
  head: { readonly count: number; readonly hash: string },
): Uint8Array {
  return utf8Encode(`${sessionId}\n${head.count}\n${head.hash}\n`);
}
