import type { Clock } from '@taskgate/core';
import type { LiveSessions } from './live-sessions.ts';
import type { Log } from './ports.ts';

/** How late at most an end may come, as a part of the lease. */
const TICKS = 40;

/**
 * How long this gateway goes on with its sessions while the store does not answer: what ended there meanwhile (a
 * revocation, a policy) does not reach it. Whatever comes from the store renews the lease; when it runs out, live
 * sessions end. New ones need the store anyway.
 *
 * @param options.leaseMs of the monotonic clock, at least 1
 */
export function createStoreLease(options: {
  readonly live: LiveSessions;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
}) {
  const { live, clock, log, leaseMs } = options;
  let renewedAt = clock.monotonicMs();
  const timer = setInterval(
    () => {
      if (clock.monotonicMs() - renewedAt <= leaseMs || live.count === 0) return;
      log.error('the lease has run out: sessions end, since the store has not answered', { sessions: live.count });
      live.endAllStoreAway(leaseMs);
    },
    Math.min(5_000, Math.ceil(leaseMs / TICKS)),
  );
  timer.unref();
  return {
    /** The store has answered. */
    renew(): void {
      renewedAt = clock.monotonicMs();
    },
    stop: (): void => clearInterval(timer),
  };
}
export type StoreLease = ReturnType<typeof createStoreLease>;
