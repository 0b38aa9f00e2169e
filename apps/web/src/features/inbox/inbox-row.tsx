'use client';
import clsx from 'clsx';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { useNow } from '@/components/time.tsx';
import { formatDuration } from '@/lib/format.ts';
import type { InboxItemView } from '@/lib/views.ts';
import { agoWords, agreed, requesterOf, stateOf, summaryOf, taskOf } from './item-words.ts';

export function InboxRow({
  item,
  gone,
  selected,
  href,
  onOpen,
}: {
  item: InboxItemView;
  /** Somebody else decided it, or it lapsed, since it was shown. */
  gone: boolean;
  selected: boolean;
  href: string;
  onOpen: () => void;
}) {
  const now = useNow(5000);
  const state = stateOf(item);
  const open = state === 'requested' || state === 'waiting';
  const until = item.kind === 'grant' ? item.grant.requestExpiresAt : item.hold.expiresAt;
  const left = now === null ? null : Date.parse(until) - now;
  const [given, needed] =
    item.kind === 'grant'
      ? [agreed(item.grant.approvals), item.grant.approvalsNeeded]
      : [agreed(item.hold.approvals), item.hold.approvalsNeeded];
  return (
    <li className="border-line border-b">
      <a
        data-id={item.id}
        href={href}
        aria-current={selected ? 'true' : undefined}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onOpen();
        }}
        className={clsx(
          'flex flex-col gap-0.5 border-l-2 px-4 py-2 focus-visible:outline-offset-[-2px]',
          selected ? 'border-l-accent bg-selected' : 'border-l-transparent hover:bg-hover',
        )}
      >
        <span className="flex items-center gap-2">
          <span className="min-w-0 flex-1 truncate font-medium">{requesterOf(item).name}</span>
          <span className="shrink-0 text-muted text-xs tabular-nums">{agoWords(item, now)}</span>
        </span>
        <span className="flex items-center gap-2">
          <Badge tone={item.kind === 'hold' ? 'hold' : 'info'}>{item.kind === 'hold' ? 'held' : 'request'}</Badge>
          <span className="min-w-0 flex-1 truncate text-sm">{taskOf(item)}</span>
          {needed > 1 && open && (
            <span className="shrink-0 text-muted text-xs tabular-nums">
              {given} of {needed}
            </span>
          )}
        </span>
        <span className={clsx('truncate text-muted text-sm', item.kind === 'hold' && 'font-mono text-xs leading-5')}>
          {summaryOf(item)}
        </span>
        {gone ? (
          <span className="text-muted text-xs">No longer waiting</span>
        ) : open ? (
          left !== null &&
          left < 3_600_000 && (
            <span className="text-hold text-xs tabular-nums">
              {left <= 0 ? 'lapsed' : `${formatDuration(left, 1)} left`}
            </span>
          )
        ) : (
          <span>
            <StateBadge state={state} />
          </span>
        )}
      </a>
    </li>
  );
}
