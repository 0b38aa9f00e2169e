'use client';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorState } from './error-state.tsx';
import { TableSkeleton } from './skeleton.tsx';

/** Renders a query: its data once there, a skeleton before, the error with a retry otherwise. */
export function QueryState<Data>({
  query,
  what,
  skeleton,
  page = false,
  children,
}: {
  query: Pick<UseQueryResult<Data>, 'data' | 'error' | 'isPending' | 'refetch'>;
  /** For the error: "Could not read {what}". */
  what: string;
  skeleton?: ReactNode;
  /** The whole screen waits for this: it has a heading in every state. */
  page?: boolean;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error)
    return (
      <ErrorState error={query.error} retry={() => void query.refetch()} what={what} heading={page ? 'h1' : 'p'} />
    );
  return (
    <>
      {page && <h1 className="sr-only">Reading {what}</h1>}
      {skeleton ?? <TableSkeleton />}
    </>
  );
}
