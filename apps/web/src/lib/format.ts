const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** Milliseconds as `1 h 20 min`: at most `parts` units, the rest cut off. */
export function formatDuration(ms: number, parts = 2): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  let rest = ms;
  const words: string[] = [];
  for (const [unit, size] of UNITS) {
    if (words.length >= parts) break;
    const count = Math.floor(rest / size);
    if (count === 0 && words.length === 0) continue;
    if (count > 0) words.push(`${count} ${unit}`);
    else break;
    rest -= count * size;
  }
  return words.join(' ');
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** ISO instant in the machine's own time zone: `2026-11-22 20:15`. */
export function formatInstant(iso: string, dateOnly = false): string {
  const date = new Date(iso);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return dateOnly ? day : `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** `5 min ago`, `in 2 h`. */
export function formatRelative(iso: string, now: number): string {
  const distance = Date.parse(iso) - now;
  if (Math.abs(distance) < 5000) return 'now';
  const words = formatDuration(Math.abs(distance), 1);
  return distance > 0 ? `in ${words}` : `${words} ago`;
}

/** Bytes as `20 MB` (powers of 1000, as tasks write them). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const formatNumber = (value: number): string => value.toLocaleString('en-GB');

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`;
