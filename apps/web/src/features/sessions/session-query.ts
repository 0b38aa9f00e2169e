import type { SessionFilterValues } from './session-filters.tsx';

/** The start of a day in the reader's time zone, or of the one after; `null` for what is no day. */
function dayStart(day: string, plusDays: number): string | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) return null;
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + plusDays);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** What the address says, as the API takes it. */
export function sessionQuery(filters: SessionFilterValues) {
  const from = dayStart(filters.from, 0);
  const to = dayStart(filters.to, 1);
  return {
    ...(filters.person && { person: filters.person }),
    ...(filters.task && { task: filters.task }),
    ...(filters.node && { node: filters.node }),
    ...(filters.resource && { resource: filters.resource }),
    ...(filters.q && { q: filters.q }),
    ...(filters.protocol && { protocol: filters.protocol }),
    ...(filters.outcome && { outcome: filters.outcome }),
    ...(filters.live && { live: 'true' }),
    ...(from && { from }),
    ...(to && { to }),
  };
}
