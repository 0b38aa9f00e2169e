import clsx from 'clsx';
import { formatDuration } from '@/lib/format.ts';
import type { GrantView } from '@/lib/views.ts';
import { segmentsOf, type TimeAxis } from './time-axis.ts';

/** In percent: what took no time can still be seen. */
const THINNEST = 1;

export const clock = (instant: number): string => new Date(instant).toTimeString().slice(0, 8);

function words({ requestedAt, activatedAt, endedAt }: GrantView, now: number): string {
  const asked = `asked for at ${clock(Date.parse(requestedAt))}`;
  const ended = endedAt === null ? '' : `, ended at ${clock(Date.parse(endedAt))}`;
  if (activatedAt === null) return `${asked}, never active${ended}`;
  const lasted = formatDuration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(activatedAt));
  return `${asked}, active for ${lasted}${endedAt === null ? ' so far' : ended}`;
}

/** When a grant was asked for, active and over, on the axis of its whole run. */
export function TimeBar({ grant, axis, now }: { grant: GrantView; axis: TimeAxis; now: number }) {
  const bad = grant.endReason === 'failed' || grant.endReason === 'revoked' || grant.endReason === 'refused';
  return (
    <>
      <svg aria-hidden="true" className="block h-4 w-full overflow-hidden">
        <rect x="0" y="7" width="100%" height="2" className="fill-line" />
        {segmentsOf(grant, axis, now).map(({ kind, from, width }) => {
          const shown = Math.max(THINNEST, width);
          return (
            <rect
              key={kind}
              x={`${Math.min(from, 100 - shown)}%`}
              width={`${shown}%`}
              y={kind === 'asked' ? 6 : 3}
              height={kind === 'asked' ? 4 : 10}
              rx={2}
              className={clsx(
                kind === 'asked' && 'fill-hold',
                kind === 'active' &&
                  (grant.state === 'active' ? 'fill-accent' : bad ? 'fill-deny' : 'fill-line-strong'),
              )}
            />
          );
        })}
      </svg>
      <span className="sr-only">{words(grant, now)}</span>
    </>
  );
}
