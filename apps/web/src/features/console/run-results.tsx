'use client';
import clsx from 'clsx';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { toast } from '@/components/toast.tsx';
import { formatDuration, formatNumber, plural } from '@/lib/format.ts';
import type { ResultSet, Run } from './console-state.ts';
import { toJson, toTsv } from './copy-rows.ts';
import { FailureCard } from './failure-card.tsx';
import { HoldWaiting } from './hold-waiting.tsx';
import { ResultGrid } from './result-grid.tsx';

const HOLD_ID = /hld_[0-9a-z]{26}/;

/** What came of one text: its results as tabs, its notices, its error, or the hold that it waits in. */
export function RunResults({
  run,
  running,
  onCancel,
  errorPlace,
  onGoTo,
}: {
  run: Run;
  running: boolean;
  onCancel: () => void;
  errorPlace: { line: number; column: number } | null;
  onGoTo: () => void;
}) {
  const [chosen, setChosen] = useState<{ run: number; tab: number | 'error' } | null>(null);
  const held = run.notices.findLast((notice) => notice.link !== null && HOLD_ID.test(notice.link));
  const waits = running && held !== undefined && run.sets.every((set) => set.tag !== null);
  const others = run.notices.filter((notice) => notice !== held);
  const tab = chosen?.run === run.id ? chosen.tab : run.error ? 'error' : Math.max(0, run.sets.length - 1);
  const set = tab === 'error' ? null : (run.sets[tab] ?? null);
  const many = run.sets.length + (run.error ? 1 : 0) > 1;
  return (
    <div className="flex h-full min-h-0 flex-col">
      {many && (
        <nav aria-label="Results" className="flex shrink-0 flex-wrap gap-1 border-line border-b px-2">
          {run.sets.map((each, index) => (
            <TabButton
              // biome-ignore lint/suspicious/noArrayIndexKey: results have no other name
              key={index}
              here={tab === index}
              onClick={() => setChosen({ run: run.id, tab: index })}
            >
              {index + 1}: {each.tag ?? '…'}
            </TabButton>
          ))}
          {run.error && (
            <TabButton here={tab === 'error'} onClick={() => setChosen({ run: run.id, tab: 'error' })}>
              <span className="text-deny">error</span>
            </TabButton>
          )}
        </nav>
      )}
      {others.map((notice, index) => (
        <p
          // biome-ignore lint/suspicious/noArrayIndexKey: notices have no other name
          key={index}
          className="wrap-anywhere shrink-0 border-line border-b bg-info-soft px-3 py-1 text-info text-sm"
        >
          {notice.severity}: {notice.message}
        </p>
      ))}
      <div className="min-h-0 flex-1 overflow-auto">
        {waits ? (
          <HoldWaiting holdId={HOLD_ID.exec(held.link!)?.[0] ?? null} message={held.message} onCancel={onCancel} />
        ) : tab === 'error' && run.error ? (
          <FailureCard failure={run.error} place={errorPlace} onGoTo={onGoTo} />
        ) : set === null ? (
          running && <Waiting onCancel={onCancel} />
        ) : set.columns.length > 0 ? (
          <ResultGrid
            key={`${run.id}-${tab}`}
            set={set}
            label={`Result ${tab === 'error' ? '' : tab + 1}, ${plural(set.rows.length, 'row')}`}
          />
        ) : (
          <p className="p-3 font-mono text-sm">{set.tag}</p>
        )}
      </div>
      <Foot run={run} set={set} running={running} />
    </div>
  );
}

function TabButton({ here, onClick, children }: { here: boolean; onClick: () => void; children: React.ReactNode }) {
  return (
    <button
      type="button"
      aria-current={here ? 'true' : undefined}
      onClick={onClick}
      className={clsx(
        '-mb-px min-h-8 border-b-2 px-2 font-mono text-xs',
        here ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
      )}
    >
      {children}
    </button>
  );
}

function Waiting({ onCancel }: { onCancel: () => void }) {
  return (
    <div role="status" className="flex items-center gap-3 p-3 text-muted">
      <span
        aria-hidden="true"
        className="size-4 animate-spin rounded-full border-2 border-current border-r-transparent"
      />
      Running
      <Button size="sm" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}

function Foot({ run, set, running }: { run: Run; set: ResultSet | null; running: boolean }) {
  const masked = set?.columns.filter((column) => column.mask !== null).length ?? 0;
  const copy = async (text: string, as: string) => {
    await navigator.clipboard.writeText(text);
    toast(`${plural(set?.rows.length ?? 0, 'row')} copied as ${as}`);
  };
  return (
    <div className="flex min-h-9 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-t px-3 py-1 text-sm">
      <span role="status" className="text-muted tabular-nums">
        {set && set.columns.length > 0 && plural(set.rows.length, 'row')}
        {run.durationMs !== null && `${set && set.columns.length > 0 ? ' · ' : ''}${formatDuration(run.durationMs)}`}
        {running && set !== null && ' · running'}
      </span>
      {set?.truncated && (
        <Badge tone="hold">first {formatNumber(set.rows.length)} only: the rest was not sent here</Badge>
      )}
      {masked > 0 && <Badge tone="mask">{plural(masked, 'column')} masked</Badge>}
      <span className="min-w-0 max-w-80 flex-1 truncate font-mono text-muted text-xs" title={run.sql}>
        <span className="sr-only">of </span>
        {run.sql.replace(/\s+/g, ' ').slice(0, 120)}
      </span>
      {set && set.rows.length > 0 && (
        <span className="ml-auto flex gap-1.5">
          <Button size="sm" variant="ghost" onClick={() => void copy(toTsv(set), 'TSV')}>
            Copy TSV
          </Button>
          <Button size="sm" variant="ghost" onClick={() => void copy(toJson(set), 'JSON')}>
            Copy JSON
          </Button>
        </span>
      )}
    </div>
  );
}
