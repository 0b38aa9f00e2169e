import type { Clock } from '@taskgate/core';

interface Window {
  failures: number;
  blockedUntil: number;
  lastAt: number;
}

/**
 * Slows guessing: after `free` failures of one key each further one blocks it for twice as long, up to `maxBlockMs`. A
 * success clears it; a quiet hour forgets it. Times are of the monotonic clock.
 */
export function createAttemptLimiter(options: {
  readonly clock: Clock;
  readonly free: number;
  readonly maxBlockMs: number;
  readonly maxKeys: number;
}) {
  const windows = new Map<string, Window>();
  const forget = (now: number): void => {
    for (const [key, window] of windows) if (now - window.lastAt > 3_600_000) windows.delete(key);
    // Over the cap the oldest go: an attacker with many addresses costs memory, not correctness.
    for (const key of windows.keys()) {
      if (windows.size <= options.maxKeys) break;
      windows.delete(key);
    }
  };
  return {
    /** Milliseconds to wait before the next try; 0: go on. */
    waitMs(key: string): number {
      const window = windows.get(key);
      return window === undefined ? 0 : Math.max(0, window.blockedUntil - options.clock.monotonicMs());
    },
    failed(key: string): void {
      const now = options.clock.monotonicMs();
      const window = windows.get(key) ?? { failures: 0, blockedUntil: 0, lastAt: now };
      window.failures += 1;
      window.lastAt = now;
      if (window.failures >= options.free)
        window.blockedUntil =
          now + Math.min(options.maxBlockMs, 1000 * 2 ** Math.min(20, window.failures - options.free));
      windows.set(key, window);
      if (windows.size > options.maxKeys || windows.size % 256 === 0) forget(now);
    },
    succeeded(key: string): void {
      windows.delete(key);
    },
  };
}
export type AttemptLimiter = ReturnType<typeof createAttemptLimiter>;
