// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
import clsx from 'clsx';
import { type DiffLine, lineDiff } from '@/lib/line-diff.ts';

const CONTEXT_LINES = 3;

/** Unchanged stretches away from any change are left out; `null` marks the gap. */
function withContext(lines: readonly DiffLine[]): (DiffLine | null)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1).some((line) => line.kind !== 'same'),
  );
  const shown: (DiffLine | null)[] = [];
  lines.forEach((line, index) => {
    if (near[index]) shown.push(line);
    else if (shown.at(-1) !== null) shown.push(null);
  });
  return shown;
}

/** What changes between two texts. */
export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = lineDiff(before, after);
  const changed = lines.some((line) => line.kind !== 'same');
  if (!changed) return <p className="text-muted">Nothing changes.</p>;
  const added = lines.filter((line) => line.kind === 'added').length;
  const removed = lines.filter((line) => line.kind === 'removed').length;
  return (
    <div className="flex flex-col gap-1">
      <p className="text-muted text-sm">
        <span className="text-allow">{added} added</span>, <span className="text-deny">{removed} removed</span>
      </p>
      <section
        tabIndex={0}
        aria-label={label}
        className="max-h-96 overflow-auto rounded-md border border-line bg-sunken py-1 font-mono text-sm leading-5"
      >
        {withContext(lines).map((line, index) =>
          line === null ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of one immutable diff
            <div key={index} className="px-3 text-muted">
              …
            </div>
          ) : (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: lines of one immutable diff
              key={index}
              className={clsx(
                'flex w-max min-w-full whitespace-pre pr-3',
                line.kind === 'added' && 'bg-allow-soft text-allow',
                line.kind === 'removed' && 'bg-deny-soft text-deny',
              )}
            >
              <span aria-hidden="true" className="w-10 shrink-0 select-none pr-2 text-right">
                {line.after ?? line.before}
              </span>
              <span className="w-4 shrink-0">{line.kind === 'added' ? '+' : line.kind === 'removed' ? '−' : ' '}</span>
              <span>{line.text}</span>
            </div>
          ),
        )}
      </section>
    </div>
  );
}
