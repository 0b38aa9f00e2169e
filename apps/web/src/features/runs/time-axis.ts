import type { GrantView } from '@/lib/views.ts';

/** Epoch milliseconds. */
export interface TimeAxis {
  readonly start: number;
  readonly end: number;
}
export type Timed = Pick<GrantView, 'state' | 'requestedAt' | 'activatedAt' | 'endedAt'>;
/** In percent of the axis. */
export interface Segment {
  readonly kind: 'asked' | 'active';
  readonly from: number;
  readonly width: number;
}

const isLive = ({ endedAt }: Timed): boolean => endedAt === null;

/** From the first request to the last end; to now while anything goes on. */
export function axisOf(grants: readonly Timed[], now: number): TimeAxis {
  const start = Math.min(...grants.map(({ requestedAt }) => Date.parse(requestedAt)));
  const ends = grants.map((grant) => (isLive(grant) ? now : Date.parse(grant.endedAt!)));
  return { start, end: Math.max(start + 1000, ...ends) };
}

/** Asked for, then active: what each took, with nothing of it outside of the axis. */
export function segmentsOf(grant: Timed, axis: TimeAxis, now: number): readonly Segment[] {
  const place = (instant: number): number => {
    const share = (100 * (instant - axis.start)) / (axis.end - axis.start);
    return Math.min(100, Math.max(0, share));
  };
  const end = isLive(grant) ? now : Date.parse(grant.endedAt!);
  const active = grant.activatedAt === null ? null : Date.parse(grant.activatedAt);
  const segment = (kind: Segment['kind'], from: number, to: number): Segment => ({
    kind,
    from: place(from),
    width: Math.max(0, place(to) - place(from)),
  });
  return [
    segment('asked', Date.parse(grant.requestedAt), active ?? end),
    ...(active === null ? [] : [segment('active', active, end)]),
  ];
}
