// Short lines for the person who waits, with the seconds since the start.

/** Epoch milliseconds; a start hands its own to the supervisor, so that the seconds go on. */
export const startedAt = Number(process.env.TASKGATE_STARTED_AT ?? performance.timeOrigin);

/** Prints one line: `  12.3 s  what happened`. */
export function progress(text) {
  process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
}
