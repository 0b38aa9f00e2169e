'use client';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { CodeBlock } from '@/components/code-block.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { MaskedHeader } from '@/components/masked-header.tsx';
import { formatNumber } from '@/lib/format.ts';
import type { ResultSet } from './console-state.ts';

const ROW_PX = 26;
const CHARACTER_PX = 7.8;
const MIN_COLUMN_PX = 64;
const MAX_COLUMN_PX = 360;
const SAMPLE_ROWS = 100;
/** A cell shows the start of its value; the whole is in the inspector. */
const CELL_CHARACTERS = 200;

const NUMERIC_OIDS = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);

function widthsOf(set: ResultSet): number[] {
  return set.columns.map((column, index) => {
    let characters = column.name.length + (column.mask === null ? 0 : column.mask.length + 4);
    for (const row of set.rows.slice(0, SAMPLE_ROWS)) characters = Math.max(characters, row[index]?.length ?? 4);
    return Math.round(Math.min(MAX_COLUMN_PX, Math.max(MIN_COLUMN_PX, characters * CHARACTER_PX + 20)));
  });
}

/**
 * Rows and columns in sight only, so that ten thousand by a hundred scroll like ten by ten. Arrows move over the
 * cells, Enter opens the whole value.
 */
export function ResultGrid({ set, label }: { set: ResultSet; label: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [cell, setCell] = useState<{ row: number; column: number }>({ row: 0, column: 0 });
  const [inspected, setInspected] = useState<{ row: number; column: number } | null>(null);
  // Widths stay as the first rows made them: nothing jumps while more rows come.
  const sampled = Math.min(set.rows.length, SAMPLE_ROWS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the first rows count
  const widths = useMemo(() => widthsOf(set), [set.columns, sampled]);
  const rows = useVirtualizer({
    count: set.rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollPaddingStart: ROW_PX + 4,
  });
  const columns = useVirtualizer({
    horizontal: true,
    count: set.columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? MIN_COLUMN_PX,
    overscan: 3,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other widths are another layout
  useEffect(() => columns.measure(), [columns, widths]);

  const move = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const last = { row: set.rows.length - 1, column: set.columns.length - 1 };
    const steps: Record<string, { row?: number; column?: number }> = {
      ArrowDown: { row: cell.row + 1 },
      ArrowUp: { row: cell.row - 1 },
      ArrowRight: { column: cell.column + 1 },
      ArrowLeft: { column: cell.column - 1 },
      PageDown: { row: cell.row + page },
      PageUp: { row: cell.row - page },
      Home: event.ctrlKey ? { row: 0, column: 0 } : { column: 0 },
      End: event.ctrlKey ? last : { column: last.column },
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      const next = {
        row: Math.max(0, Math.min(last.row, step.row ?? cell.row)),
        column: Math.max(0, Math.min(last.column, step.column ?? cell.column)),
      };
      setCell(next);
      rows.scrollToIndex(next.row);
      columns.scrollToIndex(next.column);
    } else if (event.key === 'Enter' && set.rows.length > 0) {
      event.preventDefault();
      setInspected(cell);
    } else if ((event.ctrlKey || event.metaKey) && event.key === 'c' && window.getSelection()?.isCollapsed) {
      event.preventDefault();
      void navigator.clipboard.writeText(set.rows[cell.row]?.[cell.column] ?? '');
    }
  };

  const width = columns.getTotalSize();
  const shownColumns = columns.getVirtualItems();
  const inspectedValue = inspected === null ? null : (set.rows[inspected.row]?.[inspected.column] ?? null);
  return (
    <div className="relative h-full focus-within:after:pointer-events-none focus-within:after:absolute focus-within:after:inset-0 focus-within:after:z-20 focus-within:after:outline-2 focus-within:after:outline-focus focus-within:after:-outline-offset-2">
      {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid cannot be a table element */}
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={set.rows.length + 1}
        aria-colcount={set.columns.length}
        aria-activedescendant={set.rows.length > 0 ? `cell-${cell.row}-${cell.column}` : undefined}
        onKeyDown={move}
        className="group h-full overflow-auto bg-surface font-mono text-xs focus-visible:outline-none"
      >
        {/* biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the cell */}
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        <div
          role="row"
          aria-rowindex={1}
          className="sticky top-0 z-10 h-[26px] border-line border-b bg-sunken"
          style={{ width }}
        >
          {shownColumns.map((column) => {
            const { name, mask } = set.columns[column.index]!;
            return (
              // biome-ignore lint/a11y/useFocusableInteractive: as above
              // biome-ignore lint/a11y/useSemanticElements: as above
              <div
                key={column.key}
                role="columnheader"
                aria-colindex={column.index + 1}
                className="absolute h-[26px] truncate border-line border-r px-2 font-semibold leading-[26px]"
                style={{ transform: `translateX(${column.start}px)`, width: column.size }}
              >
                <MaskedHeader name={name} mask={mask} />
              </div>
            );
          })}
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize(), width }}>
          {rows.getVirtualItems().map((row) => (
            // biome-ignore lint/a11y/useFocusableInteractive: as above
            // biome-ignore lint/a11y/useSemanticElements: as above
            <div
              key={row.key}
              role="row"
              aria-rowindex={row.index + 2}
              className="absolute h-[26px] border-line border-b"
              style={{ transform: `translateY(${row.start}px)`, width }}
            >
              {shownColumns.map((column) => {
                const value = set.rows[row.index]?.[column.index] ?? null;
                const here = cell.row === row.index && cell.column === column.index;
                const { mask, typeOid } = set.columns[column.index]!;
                return (
                  // biome-ignore lint/a11y/useFocusableInteractive: as above
                  // biome-ignore lint/a11y/useSemanticElements: as above
                  // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys
                  <div
                    key={column.key}
                    id={`cell-${row.index}-${column.index}`}
                    role="gridcell"
                    aria-colindex={column.index + 1}
                    aria-selected={here}
                    onClick={() => setCell({ row: row.index, column: column.index })}
                    onDoubleClick={() => setInspected({ row: row.index, column: column.index })}
                    className={`absolute h-[26px] truncate border-line border-r px-2 leading-[26px] ${NUMERIC_OIDS.has(typeOid) ? 'text-right' : ''} ${mask === null ? '' : 'text-mask'} ${here ? 'group-focus:bg-selected group-focus:outline-2 group-focus:outline-focus group-focus:-outline-offset-2' : ''}`}
                    style={{ transform: `translateX(${column.start}px)`, width: column.size }}
                  >
                    {value === null ? <em className="text-muted">null</em> : value.slice(0, CELL_CHARACTERS)}
                  </div>
                );
              })}
            </div>
          ))}
        </div>
      </div>
      <Dialog
        open={inspected !== null}
        onClose={() => {
          setInspected(null);
          scroller.current?.focus();
        }}
        wide
        title={inspected === null ? '' : (set.columns[inspected.column]?.name ?? '')}
        description={inspected === null ? undefined : `Row ${formatNumber(inspected.row + 1)}`}
      >
        {inspectedValue === null ? (
          <p className="text-muted">null</p>
        ) : (
          <CodeBlock label="Value">{inspectedValue.slice(0, 100_000)}</CodeBlock>
        )}
      </Dialog>
    </div>
  );
}
