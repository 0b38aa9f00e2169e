'use client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { EmptyState, NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { PagedTable } from '@/components/paged-table.tsx';
import type { Column } from '@/components/table.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { formatNumber } from '@/lib/format.ts';
import { runLink, sessionLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { SessionView } from '@/lib/views.ts';
import { isFiltered, SessionFilters, useSessionFilters } from './session-filters.tsx';
import { sessionQuery } from './session-query.ts';

const none = <span className="text-muted">0</span>;

const COLUMNS: readonly Column<SessionView>[] = [
  { key: 'person', header: 'Person', cell: (session) => session.person.name, className: 'whitespace-nowrap' },
  {
    key: 'task',
    header: 'Task',
    cell: (session) => (
      <>
        {session.task}
        {session.run !== null && (
          <span className="block text-muted text-xs">
            part of run{' '}
            <Link href={runLink(session.grantId)} className="link relative z-10 inline-flex min-h-6 items-center">
              {session.run.name}
            </Link>
          </span>
        )}
      </>
    ),
    className: 'whitespace-nowrap',
  },
  {
    key: 'resource',
    header: 'Resource',
    cell: (session) => session.resource,
    hideBelow: 'lg',
    className: 'whitespace-nowrap',
  },
  {
    key: 'client',
    header: 'Client',
    hideBelow: 'lg',
    cell: (session) => (
      <span className="block max-w-28 truncate text-muted">
        {session.protocol === 'console' ? 'console' : session.application || session.protocol}
      </span>
    ),
  },
  { key: 'started', header: 'Started', cell: (session) => <Time at={session.startedAt} /> },
  {
    key: 'lasted',
    header: 'Lasted',
    align: 'right',
    hideBelow: 'md',
    cell: (session) =>
      session.endedAt === null ? (
        <StateBadge state="live" />
      ) : (
        <Duration ms={Date.parse(session.endedAt) - Date.parse(session.startedAt)} />
      ),
  },
  { key: 'operations', header: 'Statements', align: 'right', cell: (session) => formatNumber(session.operations) },
  {
    key: 'denied',
    header: 'Denied',
    align: 'right',
    hideBelow: 'sm',
    cell: (session) => (session.denied > 0 ? <Badge tone="deny">{formatNumber(session.denied)}</Badge> : none),
  },
  {
    key: 'held',
    header: 'Held',
    align: 'right',
    hideBelow: 'sm',
    cell: (session) => (session.held > 0 ? <Badge tone="hold">{formatNumber(session.held)}</Badge> : none),
  },
  { key: 'rows', header: 'Rows', align: 'right', hideBelow: 'lg', cell: (session) => formatNumber(session.rows) },
  {
    key: 'masked',
    header: 'Masked',
    align: 'right',
    hideBelow: 'lg',
    cell: (session) => (session.maskedCells > 0 ? formatNumber(session.maskedCells) : none),
  },
  {
    key: 'recording',
    header: 'Recording',
    hideBelow: 'sm',
    cell: (session) => <StateBadge state={session.recording} />,
  },
];

export function SessionList() {
  const can = useCan();
  const [filters, setFilters] = useSessionFilters();
  const allowed = can('session:own') || can('session:read') || can('grant:revoke');
  const list = useInfiniteQuery({
    ...query.sessions.list.infiniteOptions({
      input: (cursor: string | undefined) => ({
        ...sessionQuery(filters),
        limit: 50,
        ...(cursor === undefined ? {} : { cursor }),
      }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.nextCursor ?? undefined,
      placeholderData: keepPreviousData,
    }),
    enabled: allowed,
  });
  return (
    <Page wide>
      <PageHeader
        title="Sessions"
        description={
          can('session:read')
            ? 'Every connection through the gate: what was asked, decided and sent back.'
            : 'Your connections through the gate: what was asked, decided and sent back.'
        }
      />
      <Panel flush>
        {!allowed ? (
          <NoPermission what="sessions" who="an auditor" />
        ) : (
          <>
            <SessionFilters />
            <PagedTable
              list={list}
              what="sessions"
              clearFilters={isFiltered(filters) ? () => void setFilters(null) : null}
              empty={
                <EmptyState title="Nobody has connected yet">
                  A session appears here as soon as a client connects with the token of a grant, or a console opens.
                </EmptyState>
              }
              caption="Sessions, newest first"
              columns={COLUMNS}
              rowKey={(session) => session.id}
              rowHref={(session) => sessionLink(session.id)}
            />
          </>
        )}
      </Panel>
    </Page>
  );
}
