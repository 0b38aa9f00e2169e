'use client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { parseAsString, useQueryStates } from 'nuqs';
import { Fragment, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { EmptyState, NoMatch } from '@/components/empty-state.tsx';
import { Field } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Time } from '@/components/time.tsx';
import { DiffView } from '@/features/documents/diff-view.tsx';
import { NodeChip } from '@/features/runs/node-chip.tsx';
import { query } from '@/lib/api.ts';
import type { AuditRowView } from '@/lib/views.ts';

const FILTERS = {
  actor: parseAsString.withDefault(''),
  action: parseAsString.withDefault(''),
  subject: parseAsString.withDefault(''),
  /** Id of a grant: with all below it, their sessions and holds. */
  node: parseAsString.withDefault(''),
  from: parseAsString.withDefault(''),
  to: parseAsString.withDefault(''),
};

/** A day as a person picks it, in their own time zone, as an instant; the end of the day for `to`. */
function dayToInstant(day: string, end: boolean): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00`);
  if (end) at.setDate(at.getDate() + 1);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

const asText = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

function AuditEntry({ row }: { row: AuditRowView }) {
  const [open, setOpen] = useState(false);
  const changes = row.before !== null || row.after !== null;
  return (
    <li className="border-line border-b px-4 py-2 last:border-b-0">
      <div className="grid items-center gap-x-4 gap-y-1 sm:grid-cols-[9rem_minmax(0,1fr)_minmax(0,1.4fr)_auto]">
        <span className="text-muted text-sm">
          <Time at={row.at} />
        </span>
        <span className="wrap-anywhere min-w-0">
          {row.actor ? row.actor.email : 'Taskgate'} <span className="text-muted text-sm">by {row.via}</span>
        </span>
        <span className="wrap-anywhere flex min-w-0 flex-wrap items-center gap-2">
          <Badge>{row.action}</Badge>
          <span className="font-mono text-sm">{row.subject}</span>
        </span>
        {changes ? (
          <Button size="sm" variant="ghost" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? 'Hide' : 'Changes'}
            <span className="sr-only"> of {row.action}</span>
          </Button>
        ) : (
          <span />
        )}
      </div>
      {open && (
        <div className="py-2">
          <DiffView before={asText(row.before)} after={asText(row.after)} label={`Before and after ${row.action}`} />
        </div>
      )}
    </li>
  );
}

export function AuditLog() {
  const [filters, setFilters] = useQueryStates(FILTERS, { history: 'replace', throttleMs: 300 });
  const input = {
    actor: filters.actor || undefined,
    action: filters.action || undefined,
    subject: filters.subject || undefined,
    node: filters.node || undefined,
    from: dayToInstant(filters.from, false),
    to: dayToInstant(filters.to, true),
  };
  const log = useInfiniteQuery({
    ...query.audit.list.infiniteOptions({
      input: (cursor: string | undefined) => ({ ...input, ...(cursor === undefined ? {} : { cursor }) }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (last) => last.nextCursor ?? undefined,
    }),
    placeholderData: (previous) => previous,
  });
  const filtered = Object.values(filters).some((value) => value !== '');
  const texts = [
    ['actor', 'Who', 'E-mail'],
    ['action', 'Action', 'grant.approve'],
    ['subject', 'About', 'Name or id'],
  ] as const;
  return (
    <Page>
      <PageHeader
        title="Audit"
        description="Every change of the control plane: who, when, what was before and after."
      />
      <Panel flush>
        <div className="grid gap-3 border-line border-b px-4 py-3 sm:grid-cols-5">
          {texts.map(([name, label, hint]) => (
            <Field key={name} label={label}>
              {(props) => (
                <Input
                  {...props}
                  type="search"
                  value={filters[name]}
                  placeholder={hint}
                  onChange={(event) => void setFilters({ [name]: event.target.value || null })}
                />
              )}
            </Field>
          ))}
          {(['from', 'to'] as const).map((name) => (
            <Field key={name} label={name === 'from' ? 'From' : 'Up to'}>
              {(props) => (
                <Input
                  {...props}
                  type="date"
                  value={filters[name]}
                  onChange={(event) => void setFilters({ [name]: event.target.value || null })}
                />
              )}
            </Field>
          ))}
          {filters.node !== '' && (
            <div className="sm:col-span-5">
              <NodeChip node={filters.node} onClear={() => void setFilters({ node: null })} />
            </div>
          )}
        </div>
        <QueryState query={log} what="the audit log">
          {({ pages }) => {
            const empty = pages.every((page) => page.items.length === 0);
            if (empty)
              return filtered ? (
                <NoMatch what="entries" onClear={() => void setFilters(null)} />
              ) : (
                <EmptyState title="Nothing has been changed yet" />
              );
            return (
              <>
                <ul aria-label="Changes, newest first">
                  {pages.map((page) => (
                    <Fragment key={page.items[0]?.id ?? 'empty'}>
                      {page.items.map((row) => (
                        <AuditEntry key={row.id} row={row} />
                      ))}
                    </Fragment>
                  ))}
                </ul>
                {log.hasNextPage && (
                  <div className="border-line border-t px-4 py-3 text-center">
                    <Button loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
                      Older
                    </Button>
                  </div>
                )}
              </>
            );
          }}
        </QueryState>
      </Panel>
    </Page>
  );
}
