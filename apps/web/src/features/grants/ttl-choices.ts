const USUAL_MS = [10 * 60_000, 30 * 60_000, 3_600_000, 4 * 3_600_000, 8 * 3_600_000, 24 * 3_600_000];

/** Times on offer, in milliseconds: common ones below `maxMs`, and `maxMs` itself as the last. */
export function ttlChoices(maxMs: number): number[] {
  return [...USUAL_MS.filter((ms) => ms < maxMs), maxMs];
}
