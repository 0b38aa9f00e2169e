/**
 * While more than so many events a second come, the index has a tenth of the time: the sessions come first, on a machine
 * that may be the store's too, and what waits is in the recordings. It catches up when they are quieter. The bound is far
 * below what a tenth keeps up with: one that an index at full speed could push the sessions below would let it go on.
 */
const BUSY_EVENTS_PER_SECOND = 100;
const BUSY_SHARE = 0.1;
/** And a fiftieth where the event loop has no time left: what the index takes then, it takes from the sessions. */
const FULL_SHARE = 0.02;
const FULL_UTILIZATION = 0.9;
const WINDOW_MS = 250;
/** Whatever a call took (refusals are indexed out of turn, a store can hang): after so long the next one has its turn. */
const MAX_WAIT_MS = 10_000;

export interface IndexPace {
  /** So many events were recorded. */
  arrive(count: number): void;
  /** More comes than the index is to keep up with. */
  readonly busy: boolean;
  /** Whether a call may begin. True once, and then again some time after {@link IndexPace.took}. */
  isTurn(): boolean;
  /** A call has taken so many milliseconds, whether it was asked for its turn or not. */
  took(ms: number): void;
}

export interface IndexPacePorts {
  readonly monotonicMs: () => number;
  /** How much of the time since it was last asked the event loop was at work, from 0 to 1. */
  readonly utilization: () => number;
}

/** Whose turn it is, the sessions' or the index's. */
export function createIndexPace({ monotonicMs, utilization }: IndexPacePorts): IndexPace {
  let since = monotonicMs();
  let arrived = 0;
  let busy = false;
  let share = BUSY_SHARE;
  let nextTurnAt = Number.NEGATIVE_INFINITY;
  let lastTurnAt = Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const ms = monotonicMs() - since;
    if (ms < WINDOW_MS) return;
    busy = (arrived / ms) * 1_000 > BUSY_EVENTS_PER_SECOND;
    share = utilization() > FULL_UTILIZATION ? FULL_SHARE : BUSY_SHARE;
    since += ms;
    arrived = 0;
  };
  return {
    arrive(count) {
      arrived += count;
      look();
    },
    get busy() {
      look();
      return busy;
    },
    isTurn() {
      const now = monotonicMs();
      if (now < Math.min(nextTurnAt, lastTurnAt + MAX_WAIT_MS)) return false;
      lastTurnAt = now;
      nextTurnAt = Number.POSITIVE_INFINITY;
      return true;
    },
    took(ms) {
      nextTurnAt = monotonicMs() + ms * (1 / share - 1);
    },
  };
}
