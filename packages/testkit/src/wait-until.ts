import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Polls `condition` until it gives something truthy, and returns that; throws after `deadlineMs`, naming `what` and the
 * last error of the condition. For what has no event of its own.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
  what = 'the condition',
): Promise<NonNullable<T>> {
  let last: unknown = null;
  for (const until = performance.now() + deadlineMs; performance.now() < until; ) {
    try {
      const value = await condition();
      if (value) return value;
      last = null;
    } catch (error) {
      last = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`${what} did not come true in ${deadlineMs} ms`, { cause: last });
}
