'use client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { GRANT_STATES } from '@taskgate/core';
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { EmptyState, NoPermission } from '@/components/empty-state.tsx';
import { Checkbox, Select } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { PagedTable } from '@/components/paged-table.tsx';
import type { Column } from '@/components/table.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { TypedFilter } from '@/components/typed-filter.tsx';
import { grantState } from '@/features/inbox/item-words.ts';
import { query } from '@/lib/api.ts';
import { runLink, subjectName } from '@/lib/links.ts';
import { useMe } from '@/lib/me.tsx';
import { DESTINATIONS, mayOpen } from '@/lib/navigation.ts';
import type { RunView } from '@/lib/views.ts';
import { OutcomeCounts } from './outcome-counts.tsx';
import { Who } from './who.tsx';

const FILTERS = {
  of: parseAsString.withDefault(''),
  state: parseAsStringLiteral(GRANT_STATES),
  mine: parseAsBoolean.withDefault(false),
};

const STATE_WORDS: Readonly<Record<(typeof GRANT_STATES)[number], string>> = {
  requested: 'Waiting for approval',
  approved: 'Approved',
  active: 'Active',
  ended: 'Ended',
};

const COLUMNS: readonly Column<RunView>[] = [
  {
    key: 'run',
    header: 'Run of',
    cell: ({ grant }) => subjectName(grant),
    className: 'whitespace-nowrap',
  },
  {
    key: 'kind',
    header: 'Kind',
    hideBelow: 'xl',
    cell: ({ grant }) => <span className="text-muted">{grant.workflow === null ? 'task' : 'workflow'}</span>,
  },
  { key: 'who', header: 'Started by', cell: ({ grant }) => <Who person={grant.requestedBy} /> },
  { key: 'state', header: 'State', cell: ({ grant }) => <StateBadge state={grantState(grant)} /> },
  { key: 'at', header: 'Asked for', hideBelow: 'sm', cell: ({ grant }) => <Time at={grant.requestedAt} /> },
  {
    key: 'lasted',
    header: 'Lasted',
    align: 'right',
    hideBelow: 'md',
    cell: ({ grant: { activatedAt, endedAt } }) =>
      activatedAt === null ? (
        <span className="text-muted">never active</span>
      ) : endedAt === null ? (
        <span className="text-muted">running</span>
      ) : (
        <Duration ms={Date.parse(endedAt) - Date.parse(activatedAt)} />
      ),
  },
  {
    key: 'grants',
    header: 'Grants',
    hideBelow: 'md',
    cell: ({ grants }) => (
      <span className="flex flex-wrap gap-1">
        <span className="tabular-nums">{grants.total}</span>
        {grants.live > 0 && <Badge tone="allow">{grants.live} active</Badge>}
        {grants.failed > 0 && <Badge tone="deny">{grants.failed} failed</Badge>}
      </span>
    ),
  },
  {
    key: 'sessions',
    header: 'Sessions',
    hideBelow: 'xl',
    cell: ({ sessions }) => (
      <span className="flex flex-wrap gap-1">
        <span className="tabular-nums">{sessions.total}</span>
        {sessions.live > 0 && <Badge tone="allow">{sessions.live} live</Badge>}
      </span>
    ),
  },
  { key: 'operations', header: 'Statements', cell: ({ operations }) => <OutcomeCounts counts={operations} /> },
];

export function RunList() {
  const me = useMe();
  const [filters, set] = useQueryStates(FILTERS, { history: 'replace' });
  const allowed = mayOpen(DESTINATIONS.find(({ href }) => href === '/runs')!, me.scopes);
  const filtered = filters.of !== '' || filters.state !== null || filters.mine;
  const list = useInfiniteQuery({
    ...query.grants.runs.infiniteOptions({
      input: (cursor: string | undefined) => ({
        ...(filters.of && { of: filters.of }),
        ...(filters.state && { state: filters.state }),
        ...(filters.mine && { mine: 'true' }),
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
        title="Runs"
        description="Workflows, and tasks that were handed on in smaller parts: each run is a tree of grants."
      />
      <Panel flush>
        {!allowed ? (
          <NoPermission what="runs" />
        ) : (
          <>
            <search aria-label="Filters" className="flex flex-wrap items-center gap-2 border-line border-b px-4 py-2.5">
              <TypedFilter
                label="Workflow or task"
                placeholder="Workflow or task"
                value={filters.of}
                onChange={(of) => void set({ of: of || null })}
                className="w-48!"
              />
              <Select
                aria-label="State"
                className="w-44!"
                value={filters.state ?? ''}
                onChange={(event) =>
                  void set({ state: GRANT_STATES.find((one) => one === event.target.value) ?? null })
                }
              >
                <option value="">Any state</option>
                {GRANT_STATES.map((state) => (
                  <option key={state} value={state}>
                    {STATE_WORDS[state]}
                  </option>
                ))}
              </Select>
              <Checkbox
                label="Started by me"
                checked={filters.mine}
                onChange={(event) => void set({ mine: event.target.checked || null })}
              />
              {filtered && (
                <Button size="sm" variant="ghost" onClick={() => void set(null)}>
                  Clear
                </Button>
              )}
            </search>
            <PagedTable
              list={list}
              what="runs"
              clearFilters={filtered ? () => void set(null) : null}
              empty={
                <EmptyState
                  title="Nothing has run yet"
                  action={me.scopes.includes('task:read') && <LinkButton href="/workflows">Workflows</LinkButton>}
                >
                  A run appears here when a workflow is asked for, or a job takes a narrower grant below its own.
                </EmptyState>
              }
              caption="Runs, newest first"
              columns={COLUMNS}
              rowKey={({ grant }) => grant.id}
              rowHref={({ grant }) => runLink(grant.id)}
            />
          </>
        )}
      </Panel>
    </Page>
  );
}
