// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls or has a tooltip must be reachable by keyboard
import clsx from 'clsx';
import Link from 'next/link';
import type { ReactNode } from 'react';

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Numbers line up on the right. */
  align?: 'left' | 'right';
  /** Left out below this width, where the row's page says it all the same. */
  hideBelow?: 'sm' | 'md' | 'lg' | 'xl';
  className?: string;
}

const HIDE = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden', xl: 'max-xl:hidden' } as const;

/**
 * A dense table. With `rowHref` the first cell's content is a real link that covers the row, so that it opens in a new
 * tab, is read as one link, and other controls in the row (give them `relative z-10`) still work.
 */
export function Table<Row>({
  caption,
  columns,
  rows,
  rowKey,
  rowHref,
  selectedKey,
}: {
  /** Read by screen readers, not shown. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  rowHref?: (row: Row) => string;
  selectedKey?: string | null;
}) {
  return (
    <section className="relative overflow-x-auto" tabIndex={0} aria-label={caption}>
      <table className="w-full border-collapse text-left">
        <caption className="sr-only">{caption}</caption>
        <thead className="sticky top-0 z-10 bg-surface">
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                className={clsx(
                  'whitespace-nowrap border-line border-b px-3 py-1.5 font-medium text-muted text-xs first:pl-4 last:pr-4',
                  column.align === 'right' && 'text-right',
                  column.hideBelow && HIDE[column.hideBelow],
                )}
              >
                {column.header === '' ? <span className="sr-only">Actions</span> : column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = rowKey(row);
            return (
              <tr
                key={key}
                aria-current={selectedKey === key ? 'true' : undefined}
                className={clsx(
                  'relative border-line border-b last:border-b-0',
                  rowHref && 'hover:bg-hover',
                  selectedKey === key && 'bg-selected',
                )}
              >
                {columns.map((column, index) => (
                  <td
                    key={column.key}
                    className={clsx(
                      'h-9 px-3 py-1 align-middle first:pl-4 last:pr-4',
                      column.align === 'right' && 'text-right tabular-nums',
                      column.hideBelow && HIDE[column.hideBelow],
                      column.className,
                    )}
                  >
                    {index === 0 && rowHref ? (
                      <Link
                        href={rowHref(row)}
                        className="font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-focus focus-visible:after:-outline-offset-2"
                      >
                        {column.cell(row)}
                      </Link>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
