import { dayFromNow } from '@/lib/local-instant.ts';
import { toSearch } from './operation-query.ts';

export interface ViewLink {
  name: string;
  href: string;
}

/** What auditors ask first, for the days that are meant now. */
export function givenViews(now: number): ViewLink[] {
  const [today, yesterday, weekAgo] = [dayFromNow(0, now), dayFromNow(-1, now), dayFromNow(-7, now)];
  const view = (name: string, filters: Record<string, string>): ViewLink => ({
    name,
    href: `/operations?${toSearch(filters)}`,
  });
  return [
    view('Personal data read today', { class: 'pii', verb: 'select', from: today }),
    view('Personal data read yesterday', { class: 'pii', verb: 'select', from: yesterday, to: today }),
    view('Denied in the last 7 days', { outcome: 'deny', from: weekAgo }),
    view('Held in the last 7 days', { outcome: 'hold', from: weekAgo }),
  ];
}
