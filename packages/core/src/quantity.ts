const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1000, MB: 1_000_000, GB: 1_000_000_000 };

/** `30m`, `1h`, `400d`, `500ms` to milliseconds; `null` when it is not a duration. */
export function parseDurationMs(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  return match ? Number(match[1]) * DURATION_UNITS[match[2]!]! : null;
}

/** Milliseconds to the shortest exact form that {@link parseDurationMs} reads: 5400000 is `90m`. */
export function formatDurationMs(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = DURATION_UNITS[unit]!;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** `20MB`, `512KB`, `100B` (powers of ten) to bytes; `null` when it is not a size. */
export function parseSizeBytes(text: string): number | null {
  const match = /^(\d{1,9})(B|KB|MB|GB)$/.exec(text);
  return match ? Number(match[1]) * SIZE_UNITS[match[2]!]! : null;
}
