// biome-ignore-all lint/a11y/noNoninteractiveTabindex: the tooltip must be reachable by keyboard
'use client';
import { useEffect, useState } from 'react';
import { formatDuration, formatInstant, formatRelative } from '@/lib/format.ts';
import { Tooltip } from './tooltip.tsx';

/** Re-renders each second while something on the screen counts. `null` until the browser has taken over. */
export function useNow(everyMs = 1000): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** An instant in the reader's own time zone; how long ago, and UTC, on hover and focus. */
export function Time({ at, dateOnly = false }: { at: string; dateOnly?: boolean }) {
  // The server does not know the reader's time zone: it renders UTC, the browser puts in its own.
  const [mounted, setMounted] = useState(false);
  useEffect(() => setMounted(true), []);
  return (
    <Tooltip text={mounted ? `${formatRelative(at, Date.now())} · ${at.slice(0, 19).replace('T', ' ')} UTC` : at}>
      <time dateTime={at} tabIndex={0} className="relative z-10 whitespace-nowrap tabular-nums">
        {mounted ? formatInstant(at, dateOnly) : `${at.slice(0, dateOnly ? 10 : 16).replace('T', ' ')}`}
      </time>
    </Tooltip>
  );
}

export function Duration({ ms }: { ms: number }) {
  return <span className="whitespace-nowrap tabular-nums">{formatDuration(ms)}</span>;
}

/** What is left until an instant; says so in words when it is over. */
export function Countdown({ until, label = 'left' }: { until: string; label?: string }) {
  const now = useNow();
  const left = now === null ? null : Date.parse(until) - now;
  if (left === null) return <span className="text-muted">…</span>;
  if (left <= 0) return <span className="text-muted">over</span>;
  return (
    <span
      role="timer"
      className={left < 60_000 ? 'whitespace-nowrap text-hold tabular-nums' : 'whitespace-nowrap tabular-nums'}
    >
      {formatDuration(left, 2)} {label}
    </span>
  );
}
