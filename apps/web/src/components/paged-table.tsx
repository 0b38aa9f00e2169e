'use client';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { NoMatch } from './empty-state.tsx';
import { QueryState } from './query-state.tsx';
import { TableSkeleton } from './skeleton.tsx';
import { type Column, Table } from './table.tsx';

/** A table of a list that is read page by page, with all of its states. */
export function PagedTable<Row>({
  list,
  what,
  clearFilters,
  empty,
  ...table
}: {
  list: UseInfiniteQueryResult<InfiniteData<{ readonly items: readonly Row[] }>>;
  /** For the error and for filters that match nothing: "Could not read {what}". */
  what: string;
  /** `null` where no filter is set. */
  clearFilters: (() => void) | null;
  /** Shown where there is nothing and no filter is set. */
  empty: ReactNode;
  caption: string;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  rowHref: (row: Row) => string;
}) {
  return (
    <>
      <div aria-busy={list.isPlaceholderData || undefined} className={list.isPlaceholderData ? 'opacity-60' : ''}>
        <QueryState query={list} what={what} skeleton={<TableSkeleton rows={10} />}>
          {({ pages }) => {
            const rows = pages.flatMap(({ items }) => items);
            if (rows.length > 0) return <Table rows={rows} {...table} />;
            return clearFilters ? <NoMatch what={what} onClear={clearFilters} /> : empty;
          }}
        </QueryState>
      </div>
      {list.hasNextPage && (
        <div className="border-line border-t p-3 text-center">
          <Button size="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}
