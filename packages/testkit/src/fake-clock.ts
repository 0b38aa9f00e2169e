import type { Clock } from '@taskgate/core';

/** A clock that moves only when the test says so. */
export interface FakeClock extends Clock {
  /** Moves both times on by `ms`. */
  advance(ms: number): void;
}

/** Starts at `startMs` (epoch milliseconds; by default 2026-01-01T00:00:00Z). */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    advance: (ms) => {
      elapsedMs += ms;
    },
  };
}
