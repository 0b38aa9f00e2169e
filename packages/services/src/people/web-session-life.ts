/** A sign-in ends after a working day, whatever is done with it, */
export const WEB_SESSION_MS = 12 * 3_600_000;
/** or after this long without a request. */
export const WEB_SESSION_IDLE_MS = 2 * 3_600_000;

/** Which rows still stand at `now`. */
export const standingWebSessions = (now: number) => ({
  endedAt: null,
  expiresAt: { gt: new Date(now) },
  lastSeenAt: { gt: new Date(now - WEB_SESSION_IDLE_MS) },
});
