/** Failed attempts on one key: an e-mail address, a source address. Instants are epoch milliseconds. */
export interface AttemptWindow {
  readonly count: number;
  readonly windowStart: number;
  readonly lastAt: number;
}

export interface AttemptLimits {
  /** Attempts before the first wait. */
  readonly free: number;
  /** The first wait; each further attempt doubles it, up to `maxWaitMs`. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Without an attempt for this long, all is forgotten. */
  readonly forgetAfterMs: number;
}

/** Anybody can make an e-mail address wait, so its wait stays short: it slows guessing and locks nobody out for long. */
export const EMAIL_LIMITS: AttemptLimits = { free: 5, firstWaitMs: 1_000, maxWaitMs: 60_000, forgetAfterMs: 3_600_000 };
/** Many people may share an address, so it has more attempts; a source that goes on guessing waits long. */
export const ADDRESS_LIMITS: AttemptLimits = {
  free: 30,
  firstWaitMs: 1_000,
  maxWaitMs: 900_000,
  forgetAfterMs: 3_600_000,
};

/** Milliseconds until the next attempt may be made; 0: now. */
export function attemptWaitMs(window: AttemptWindow | null, limits: AttemptLimits, now: number): number {
  if (window === null || isForgotten(window, limits, now) || window.count < limits.free) return 0;
  const wait = Math.min(limits.firstWaitMs * 2 ** Math.min(window.count - limits.free, 40), limits.maxWaitMs);
  // A clock that was set back must not make anybody wait longer than the longest wait.
  return Math.min(Math.max(0, window.lastAt + wait - now), limits.maxWaitMs);
}

/** The window with one more attempt; attempts count before they are tried, so that many at once do not slip through. */
export function countAttempt(window: AttemptWindow | null, limits: AttemptLimits, now: number): AttemptWindow {
  if (window === null || isForgotten(window, limits, now)) return { count: 1, windowStart: now, lastAt: now };
  return { ...window, count: window.count + 1, lastAt: now };
}

const isForgotten = (window: AttemptWindow, limits: AttemptLimits, now: number): boolean =>
  now - window.lastAt >= limits.forgetAfterMs;
