'use client';
import { Badge } from '@/components/badge.tsx';
import { Sheet } from '@/components/dialog.tsx';
import { formatDuration } from '@/lib/format.ts';
import type { Run } from './console-state.ts';

/** What was sent from this page, newest first. It is gone when the page is: the session's recording stays. */
export function HistorySheet({
  runs,
  open,
  onClose,
  onChoose,
}: {
  runs: readonly Run[];
  open: boolean;
  onClose: () => void;
  onChoose: (run: Run) => void;
}) {
  return (
    <Sheet open={open} onClose={onClose} title="History" description="What was sent from this page, newest first.">
      {runs.length === 0 && <p className="text-muted">Nothing was sent yet.</p>}
      <ol className="flex flex-col">
        {runs.toReversed().map((run) => (
          <li key={run.id} className="border-line border-b last:border-b-0">
            <button
              type="button"
              className="w-full rounded-sm px-1 py-2 text-left hover:bg-hover"
              onClick={() => onChoose(run)}
            >
              <span className="line-clamp-3 block whitespace-pre-wrap break-words font-mono text-xs">{run.sql}</span>
              <span className="mt-1 flex items-center gap-2 text-muted text-xs tabular-nums">
                {new Date(run.at).toTimeString().slice(0, 8)}
                {run.durationMs !== null && formatDuration(run.durationMs)}
                {run.error && <Badge tone="deny">{run.error.sqlstate}</Badge>}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </Sheet>
  );
}
