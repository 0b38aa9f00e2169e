// biome-ignore-all lint/suspicious/noArrayIndexKey: columns may share a name, and rows have none
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable by keyboard
'use client';
import { useState } from 'react';
import { Button } from '@/components/button.tsx';
import { MaskedHeader } from '@/components/masked-header.tsx';
import { formatNumber, plural } from '@/lib/format.ts';
import type { TimelineOperationView } from '@/lib/views.ts';

const FIRST = 50;
const STEP = 200;

/** The rows as they were sent: what was masked is masked here too, since nothing else was ever kept. */
export function ResultRows({ operation }: { operation: TimelineOperationView }) {
  const [shown, setShown] = useState(FIRST);
  const { columns, rows, result } = operation;
  if (columns.length === 0 && rows.length === 0) return null;
  const total = result?.rows ?? rows.length;
  return (
    <div className="flex flex-col gap-1.5">
      <section aria-label="Rows as sent" tabIndex={0} className="max-h-96 overflow-auto rounded-md border border-line">
        <table className="border-collapse text-left font-mono text-xs">
          <thead className="sticky top-0 bg-sunken">
            <tr>
              {columns.map((column, index) => (
                <th
                  key={index}
                  scope="col"
                  className="whitespace-nowrap border-line border-r border-b px-2 py-1 font-medium last:border-r-0"
                >
                  <MaskedHeader name={column.name} mask={column.mask} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row, place) => (
              <tr key={place} className="border-line border-b last:border-b-0">
                {row.map((value, index) => (
                  <td
                    key={index}
                    className="max-w-96 truncate border-line border-r px-2 py-1 last:border-r-0"
                    title={value ?? undefined}
                  >
                    {value === null ? <em className="text-muted">null</em> : value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p className="px-2 py-1.5 text-muted text-sm">No rows.</p>}
      </section>
      <div className="flex flex-wrap items-center gap-2 text-muted text-sm">
        <span>
          {rows.length < total
            ? `The first ${formatNumber(rows.length)} of ${plural(total, 'row')} are kept.`
            : plural(total, 'row')}
        </span>
        {shown < rows.length && (
          <Button size="sm" onClick={() => setShown(shown + STEP)}>
            Show {formatNumber(Math.min(STEP, rows.length - shown))} more
          </Button>
        )}
      </div>
    </div>
  );
}
