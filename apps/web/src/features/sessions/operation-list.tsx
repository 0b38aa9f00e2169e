'use client';
import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { type RefObject, useEffect, useRef } from 'react';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import { formatDuration, formatNumber, plural } from '@/lib/format.ts';
import type { TimelineOperationView } from '@/lib/views.ts';
import { RESULT_WORDS, resultOf } from './result-words.ts';

const ROW_PX = 56;

/** What never ran has no rows and took no time. */
const ran = (operation: TimelineOperationView): boolean =>
  operation.result?.outcome === 'done' || operation.result?.outcome === 'withheld';

const clock = (iso: string): string => new Date(iso).toTimeString().slice(0, 8);

/** Statements in order. Only those in sight are in the page, so that ten thousand are as quick as ten. */
export function OperationList({
  operations,
  selected,
  onSelect,
  hrefOf,
  listRef,
}: {
  operations: readonly TimelineOperationView[];
  selected: string | null;
  onSelect: (operation: TimelineOperationView) => void;
  hrefOf: (operation: TimelineOperationView) => string;
  listRef: RefObject<HTMLDivElement | null>;
}) {
  const inner = useRef<HTMLOListElement>(null);
  const rows = useVirtualizer({
    count: operations.length,
    getScrollElement: () => listRef.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    getItemKey: (index) => operations[index]?.seq ?? index,
  });
  const at = operations.findIndex((operation) => operation.decisionId === selected);
  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' });
  }, [at, rows]);
  return (
    <ol ref={inner} aria-label="Statements" className="relative" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((row) => {
        const operation = operations[row.index]!;
        const result = RESULT_WORDS[resultOf(operation)];
        const chosen = operation.decisionId === selected;
        return (
          <li
            key={row.key}
            aria-setsize={operations.length}
            aria-posinset={row.index + 1}
            className="absolute inset-x-0 h-14 border-line border-b"
            style={{ transform: `translateY(${row.start}px)` }}
          >
            <a
              href={hrefOf(operation)}
              data-op={operation.decisionId}
              aria-current={chosen ? 'true' : undefined}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                onSelect(operation);
              }}
              className={clsx(
                'flex h-full flex-col justify-center gap-0.5 border-l-2 px-3 focus-visible:outline-offset-[-2px]',
                chosen ? 'border-l-accent bg-selected' : 'border-l-transparent hover:bg-hover',
              )}
            >
              <span className="flex items-center gap-2">
                <OutcomeBadge outcome={operation.outcome} />
                <span className="min-w-0 flex-1 truncate font-mono text-xs">
                  {(operation.statement ?? operation.label).replace(/\s+/g, ' ').slice(0, 200)}
                </span>
              </span>
              <span className="flex items-center gap-2 text-muted text-xs tabular-nums">
                <span>{clock(operation.at)}</span>
                {result.tone === 'plain' && operation.result?.outcome === 'done' ? null : (
                  <Badge tone={result.tone}>{result.word}</Badge>
                )}
                {operation.result?.rows != null && ran(operation) && (
                  <span>{plural(operation.result.rows, 'row')}</span>
                )}
                {(operation.result?.maskedCells ?? 0) > 0 && (
                  <span className="text-mask">{formatNumber(operation.result!.maskedCells)} masked</span>
                )}
                {operation.result?.durationMs != null && ran(operation) && (
                  <span className="ml-auto">{formatDuration(operation.result.durationMs, 1)}</span>
                )}
              </span>
            </a>
          </li>
        );
      })}
    </ol>
  );
}
