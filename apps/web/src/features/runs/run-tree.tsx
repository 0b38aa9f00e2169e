'use client';
import clsx from 'clsx';
import { ChevronRight } from 'lucide-react';
import { type KeyboardEvent, useRef } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { budgetWords } from '@/features/grants/budget-words.ts';
import { grantState } from '@/features/inbox/item-words.ts';
import { formatDuration, plural } from '@/lib/format.ts';
import { subjectName } from '@/lib/links.ts';
import { narrowedWords, placeWords, tightest } from './node-words.ts';
import { OutcomeCounts } from './outcome-counts.tsx';
import { StepWords } from './step-words.tsx';
import type { TimeAxis } from './time-axis.ts';
import { clock, TimeBar } from './time-bar.tsx';
import type { TreeNode, TreeRow, TreeStep } from './tree-rows.ts';
import { Who } from './who.tsx';

const CELL = 'px-3 py-1.5 align-middle first:pl-4 last:pr-4';

/**
 * The grants of a run after the ARIA pattern of a tree grid: one stop for Tab, arrows move, open and close, Space
 * chooses, Enter goes on to what is said of the chosen one.
 */
export function RunTree({
  rows,
  selected,
  axis,
  now,
  onSelect,
  onOpen,
  onExpand,
}: {
  rows: readonly TreeRow[];
  selected: string;
  axis: TimeAxis;
  now: number;
  onSelect: (id: string) => void;
  onOpen: (id: string) => void;
  onExpand: (id: string, expanded: boolean) => void;
}) {
  const table = useRef<HTMLTableElement>(null);
  // A chosen one that is folded away leaves Tab its way in.
  const stop = rows.some(({ id }) => id === selected) ? selected : rows[0]?.id;
  const focusRow = (row: TreeRow | undefined) => {
    if (!row) return;
    onSelect(row.id);
    table.current?.querySelector<HTMLElement>(`[data-row="${row.id}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, row: TreeRow) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = rows.indexOf(row);
    const parent = rows.find(({ id }) => id === row.parentId);
    switch (event.key) {
      case 'ArrowDown':
        focusRow(rows[at + 1]);
        break;
      case 'ArrowUp':
        focusRow(rows[at - 1]);
        break;
      case 'Home':
        focusRow(rows[0]);
        break;
      case 'End':
        focusRow(rows.at(-1));
        break;
      case 'ArrowRight':
        if (row.expanded === false) onExpand(row.id, true);
        else if (row.expanded) focusRow(rows[at + 1]);
        break;
      case 'ArrowLeft':
        if (row.expanded) onExpand(row.id, false);
        else focusRow(parent);
        break;
      case 'Enter':
        onOpen(row.id);
        break;
      case ' ':
        onSelect(row.id);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  return (
    <div className="overflow-x-auto">
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the ARIA pattern of a tree grid is a table with this role */}
      <table ref={table} role="treegrid" aria-label="Grants of this run" className="w-full border-collapse text-left">
        <thead>
          <tr className="border-line border-b text-muted text-xs">
            <th scope="col" className={clsx(CELL, 'w-[42%] min-w-64 font-medium')}>
              What and who
            </th>
            <th scope="col" className={clsx(CELL, 'min-w-28 font-medium')}>
              <span className="flex justify-between gap-2 whitespace-nowrap tabular-nums">
                <span className="sr-only">Time, from</span>
                <span>{clock(axis.start)}</span>
                <span>+{formatDuration(axis.end - axis.start)}</span>
              </span>
            </th>
            <th scope="col" className={clsx(CELL, 'font-medium')}>
              Inside
            </th>
            <th scope="col" className={clsx(CELL, 'font-medium')}>
              Budget
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={row.id}
              data-row={row.id}
              aria-level={row.level}
              aria-posinset={row.position}
              aria-setsize={row.siblings}
              aria-expanded={row.expanded ?? undefined}
              aria-selected={row.id === selected}
              tabIndex={row.id === stop ? 0 : -1}
              onClick={() => onSelect(row.id)}
              onKeyDown={(event) => onKeyDown(event, row)}
              className={clsx(
                'cursor-pointer border-line border-b last:border-b-0 focus-visible:-outline-offset-2',
                row.id === selected ? 'bg-selected' : 'hover:bg-hover',
              )}
            >
              <td className={CELL}>
                <div className="flex min-w-0 items-start gap-1" style={{ paddingLeft: `${(row.level - 1) * 1.25}rem` }}>
                  <Fold row={row} onExpand={onExpand} />
                  {'node' in row ? <NodeName node={row.node} /> : <StepName step={row.step} />}
                </div>
              </td>
              {'node' in row ? (
                <NodeCells node={row.node} axis={axis} now={now} />
              ) : (
                <td colSpan={3} className={clsx(CELL, 'text-muted text-sm')}>
                  <StepWords step={row.step} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** For the pointer: the arrow keys do the same. */
function Fold({ row, onExpand }: { row: TreeRow; onExpand: (id: string, expanded: boolean) => void }) {
  if (row.expanded === null) return <span className="size-6 shrink-0" />;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the row has the keys
    // biome-ignore lint/a11y/noStaticElementInteractions: the row says that it can be folded
    <span
      onClick={(event) => {
        event.stopPropagation();
        onExpand(row.id, !row.expanded);
      }}
      className="grid size-6 shrink-0 place-items-center rounded-md text-muted hover:bg-hover hover:text-ink"
    >
      <ChevronRight aria-hidden="true" className={clsx('size-4', row.expanded && 'rotate-90')} />
    </span>
  );
}

function NodeName({ node: { grant } }: { node: TreeNode }) {
  const narrowed = narrowedWords(grant);
  return (
    <div className="min-w-0">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
        <span className="font-medium">{subjectName(grant)}</span>
        <StateBadge state={grantState(grant)} />
        {grant.exitCode !== null && <Badge tone={grant.exitCode === 0 ? 'plain' : 'deny'}>exit {grant.exitCode}</Badge>}
      </p>
      <p className="flex min-w-0 items-center gap-x-1.5 whitespace-nowrap text-muted text-sm">
        <span>{placeWords(grant)}</span>
        <span aria-hidden="true">·</span>
        <Who person={grant.requestedBy} />
      </p>
      {narrowed !== null && <p className="wrap-anywhere line-clamp-2 text-mask text-sm">{narrowed}</p>}
    </div>
  );
}

function StepName({ step }: { step: TreeStep }) {
  return (
    <div className="min-w-0">
      <p className="flex flex-wrap items-center gap-2">
        <span className="text-muted">{step.task}</span>
        <StateBadge state={step.state} />
      </p>
      <p className="text-muted text-sm">{step.after.length === 0 ? 'step' : `step, after ${step.after.join(', ')}`}</p>
    </div>
  );
}

function NodeCells({ node, axis, now }: { node: TreeNode; axis: TimeAxis; now: number }) {
  const { grant, sessions, operations, holds } = node;
  const line = tightest(node);
  return (
    <>
      <td className={CELL}>
        <TimeBar grant={grant} axis={axis} now={now} />
      </td>
      <td className={CELL}>
        {grant.task === null ? (
          <span className="text-muted text-sm">in its steps</span>
        ) : (
          <div className="flex flex-col items-start gap-0.5">
            <span className="flex items-center gap-1.5 whitespace-nowrap text-sm">
              {plural(sessions.total, 'session')}
              {sessions.live > 0 && <Badge tone="allow">{sessions.live} live</Badge>}
            </span>
            {sessions.total > 0 && <OutcomeCounts counts={operations} />}
            {(holds.waiting ?? 0) > 0 && <Badge tone="hold">{holds.waiting} waiting</Badge>}
          </div>
        )}
      </td>
      <td className={CELL}>
        {line === null ? (
          <span className="text-muted text-sm">no limit</span>
        ) : (
          <div className="flex min-w-24 flex-col gap-1 text-sm tabular-nums">
            <span className={line.subtree >= line.limit ? 'text-deny' : undefined}>
              {budgetWords(line.dimension, line.subtree, line.limit)}
            </span>
            <progress
              aria-hidden="true"
              className={clsx('h-1.5 w-full', line.subtree >= line.limit ? 'text-deny' : 'text-accent')}
              max={Math.max(1, line.limit)}
              value={Math.min(line.subtree, line.limit)}
            />
          </div>
        )}
      </td>
    </>
  );
}
