'use client';
import { keepPreviousData, useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { CopyLinkButton } from '@/components/copy-link-button.tsx';
import { EmptyState, NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { PagedTable } from '@/components/paged-table.tsx';
import type { Column } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { formatNumber } from '@/lib/format.ts';
import { operationLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { OperationRowView } from '@/lib/views.ts';
import { downloadOperations } from './download-operations.ts';
import { OperationFilters } from './operation-filters.tsx';
import { setFilters, toSearch, useOperationFilters } from './operation-query.ts';
import { ViewBar } from './view-bar.tsx';

const isSystem = (schema: string): boolean => schema === 'pg_catalog' || schema === 'information_schema';
const MOST_RELATIONS = 3;

/** What it reached, the system's own relations only where there is nothing else. */
function Reached({ row }: { row: OperationRowView }) {
  const own = row.relations.filter(({ schema }) => !isSystem(schema));
  const shown = own.length > 0 ? own : row.relations;
  if (shown.length === 0) return <span className="text-muted">{row.label}</span>;
  const more = shown.length - MOST_RELATIONS;
  return (
    <span className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-0.5">
      {shown.slice(0, MOST_RELATIONS).map((relation) => (
        <span key={`${relation.verb} ${relation.schema}.${relation.name}`} className="wrap-anywhere">
          {relation.verb}{' '}
          <code className="font-mono text-sm">
            {relation.schema}.{relation.name}
          </code>
          {relation.columns.length > 0 && (
            <span className="text-muted text-sm">
              {' '}
              ({relation.columns.slice(0, 6).join(', ')}
              {relation.columns.length > 6 ? ', …' : ''})
            </span>
          )}
          {Object.keys(relation.classes ?? {}).map((label) => (
            <Badge key={label} tone="mask" className="ml-1.5">
              {label}
            </Badge>
          ))}
        </span>
      ))}
      {more > 0 && <span className="text-muted text-sm">and {more} more</span>}
    </span>
  );
}

const COLUMNS: readonly Column<OperationRowView>[] = [
  { key: 'person', header: 'Person', cell: (row) => row.person.name, className: 'whitespace-nowrap align-top!' },
  { key: 'at', header: 'When', cell: (row) => <Time at={row.at} />, className: 'whitespace-nowrap align-top!' },
  {
    key: 'task',
    header: 'Task',
    hideBelow: 'md',
    cell: (row) => row.task,
    className: 'whitespace-nowrap align-top!',
  },
  {
    key: 'outcome',
    header: 'Decision',
    cell: (row) => <OutcomeBadge outcome={row.outcome} />,
    className: 'align-top!',
  },
  { key: 'reached', header: 'Reached', cell: (row) => <Reached row={row} />, className: 'w-full' },
  {
    key: 'result',
    header: 'Ended',
    hideBelow: 'md',
    cell: (row) => <span className="text-muted">{row.result ?? 'running'}</span>,
    className: 'align-top!',
  },
  {
    key: 'rows',
    header: 'Rows',
    align: 'right',
    hideBelow: 'sm',
    cell: (row) => (row.rows === null ? '' : formatNumber(row.rows)),
    className: 'align-top!',
  },
  {
    key: 'masked',
    header: 'Masked',
    align: 'right',
    hideBelow: 'lg',
    cell: (row) => (row.maskedCells > 0 ? formatNumber(row.maskedCells) : <span className="text-muted">0</span>),
    className: 'align-top!',
  },
];

export function OperationsPage() {
  const can = useCan();
  const [filters, setAll] = useOperationFilters();
  const set = setFilters(filters);
  const search = toSearch(set);
  const allowed = can('session:own') || can('session:read');
  const list = useInfiniteQuery({
    ...query.operations.list.infiniteOptions({
      // What an address says is checked by the API, which names what is wrong.
      input: (cursor: string | undefined) => ({
        ...(set as { person?: string }),
        limit: 50,
        ...(cursor === undefined ? {} : { cursor }),
      }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.nextCursor ?? undefined,
      placeholderData: keepPreviousData,
    }),
    enabled: allowed,
  });
  const download = useMutation({
    mutationFn: () => downloadOperations(search),
    onError: (error) => toast(error.message, { tone: 'deny' }),
  });
  return (
    <Page wide>
      <PageHeader
        title="Operations"
        description={
          can('session:read')
            ? 'Every statement of the sessions that you may replay, by what it reached.'
            : 'Every statement of yours, by what it reached.'
        }
        actions={
          allowed && (
            <>
              <CopyLinkButton />
              <Button loading={download.isPending} onClick={() => download.mutate()}>
                Export as CSV
              </Button>
            </>
          )
        }
      />
      {allowed && <ViewBar search={search} />}
      <Panel flush>
        {!allowed ? (
          <NoPermission what="operations" who="an auditor" />
        ) : (
          <>
            <OperationFilters />
            <PagedTable
              list={list}
              what="operations"
              clearFilters={search === '' ? null : () => void setAll(null)}
              empty={
                <EmptyState title="Nothing has been asked for yet">
                  A statement appears here a moment after it was decided on, whether it was let through or not.
                </EmptyState>
              }
              caption="Operations, newest first"
              columns={COLUMNS}
              rowKey={(row) => row.decisionId}
              rowHref={(row) => operationLink(row.sessionId, row.decisionId)}
            />
          </>
        )}
      </Panel>
    </Page>
  );
}
