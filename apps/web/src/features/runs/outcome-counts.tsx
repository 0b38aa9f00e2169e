import { Ban, Check, Hourglass } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { formatNumber } from '@/lib/format.ts';
import type { RunView } from '@/lib/views.ts';

const SHOWN = [
  ['allow', 'allowed', Check],
  ['deny', 'denied', Ban],
  ['hold', 'held', Hourglass],
] as const;

/** Statements by what was decided, only what there was. */
export function OutcomeCounts({ counts }: { counts: RunView['operations'] }) {
  const some = SHOWN.filter(([outcome]) => (counts[outcome] ?? 0) > 0);
  if (some.length === 0) return <span className="text-muted text-sm">none</span>;
  return (
    <span className="inline-flex flex-wrap gap-1">
      {some.map(([outcome, word, Icon]) => (
        <Badge key={outcome} tone={outcome}>
          <Icon aria-hidden="true" className="size-3" />
          {formatNumber(counts[outcome])}
          <span className="sr-only"> {word}</span>
        </Badge>
      ))}
    </span>
  );
}
