import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttemptWindow, attemptWaitMs, countAttempt, EMAIL_LIMITS } from './attempt-limiter.ts';

/** Tries as often as it is let, for `durationMs`; gives how many tries that were. */
function guessAsFastAsPossible(durationMs: number): number {
  let window: AttemptWindow | null = null;
  let tries = 0;
  for (let now = 0; now < durationMs; now += Math.max(1, attemptWaitMs(window, EMAIL_LIMITS, now))) {
    if (attemptWaitMs(window, EMAIL_LIMITS, now) > 0) continue;
    window = countAttempt(window, EMAIL_LIMITS, now);
    tries++;
  }
  return tries;
}

describe('the attempt limiter', () => {
  it('lets a guesser try fewer than 1,500 times a day', () => {
    expect(guessAsFastAsPossible(86_400_000)).toBeLessThan(1_500);
  });

  it('lets a person who mistypes five times try again at once', () => {
    let window: AttemptWindow | null = null;
    for (let i = 0; i < 4; i++) window = countAttempt(window, EMAIL_LIMITS, 1000 + i);
    expect(attemptWaitMs(window, EMAIL_LIMITS, 2000)).toBe(0);
  });

  it('never waits longer than its longest wait, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 1e9 }),
        (times, now) => {
          let window: AttemptWindow | null = null;
          for (const at of times) window = countAttempt(window, EMAIL_LIMITS, at);
          const wait = attemptWaitMs(window, EMAIL_LIMITS, now);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(EMAIL_LIMITS.maxWaitMs);
        },
      ),
    );
  });
});
