'use client';
import { useQuery } from '@tanstack/react-query';
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { EmptyState, NoMatch } from '@/components/empty-state.tsx';
import { Field } from '@/components/field.tsx';
import { Input, Select } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { TaskSummaryView } from '@/lib/views.ts';

const SHOW = ['all', 'mine', 'drafts'] as const;
const FILTERS = {
  q: parseAsString.withDefault(''),
  resource: parseAsString.withDefault(''),
  show: parseAsStringLiteral(SHOW).withDefault('all'),
};

const matches = (
  task: TaskSummaryView,
  filters: { q: string; resource: string; show: (typeof SHOW)[number] },
): boolean =>
  (filters.resource === '' || task.resource === filters.resource) &&
  (filters.show === 'all' || (filters.show === 'mine' ? task.mayActivate : task.revision !== task.latestRevision)) &&
  `${task.name} ${task.purpose} ${task.who.join(' ')}`.toLowerCase().includes(filters.q.toLowerCase());

export function TaskList() {
  const can = useCan();
  const [filters, setFilters] = useQueryStates(FILTERS, { history: 'replace' });
  const tasks = useQuery(query.tasks.list.queryOptions());
  const write = can('task:write') ? (
    <LinkButton variant="primary" href="/tasks/new">
      New task
    </LinkButton>
  ) : null;
  return (
    <Page>
      <PageHeader
        title="Tasks"
        description="Each opens one resource for one purpose: who may, what they may do, and for how long."
        actions={write}
      />
      <Panel flush>
        <QueryState query={tasks} what="the tasks">
          {(all) => {
            if (all.length === 0)
              return (
                <EmptyState title="No tasks yet" action={write}>
                  A task names a piece of work, the resource it needs, and the least that it needs there.
                </EmptyState>
              );
            const resources = [...new Set(all.map((task) => task.resource))].sort();
            const shown = all.filter((task) => matches(task, filters));
            return (
              <>
                <div className="grid gap-3 border-line border-b px-4 py-3 sm:grid-cols-[2fr_1fr_1fr]">
                  <Field label="Find">
                    {(props) => (
                      <Input
                        {...props}
                        type="search"
                        value={filters.q}
                        onChange={(event) => void setFilters({ q: event.target.value || null })}
                        placeholder="Name, purpose or group"
                      />
                    )}
                  </Field>
                  <Field label="Resource">
                    {(props) => (
                      <Select
                        {...props}
                        value={filters.resource}
                        onChange={(event) => void setFilters({ resource: event.target.value || null })}
                      >
                        <option value="">all</option>
                        {resources.map((name) => (
                          <option key={name}>{name}</option>
                        ))}
                      </Select>
                    )}
                  </Field>
                  <Field label="Show">
                    {(props) => (
                      <Select
                        {...props}
                        value={filters.show}
                        onChange={(event) => void setFilters({ show: event.target.value as (typeof SHOW)[number] })}
                      >
                        <option value="all">all tasks</option>
                        <option value="mine">those I may activate</option>
                        <option value="drafts">with a draft</option>
                      </Select>
                    )}
                  </Field>
                </div>
                {shown.length === 0 ? (
                  <NoMatch what="tasks" onClear={() => void setFilters(null)} />
                ) : (
                  <Table
                    caption={plural(shown.length, 'task')}
                    rows={shown}
                    rowKey={(task) => task.name}
                    rowHref={(task) => taskLink(task.name)}
                    columns={[
                      {
                        key: 'name',
                        header: 'Task',
                        cell: (task) => (
                          <span className="block min-w-40 py-1">
                            {task.name}
                            <span className="block max-w-md font-normal text-muted text-sm">{task.purpose}</span>
                          </span>
                        ),
                      },
                      {
                        key: 'resource',
                        header: 'Resource',
                        className: 'whitespace-nowrap',
                        cell: (task) => task.resource,
                      },
                      {
                        key: 'who',
                        header: 'Who',
                        hideBelow: 'md',
                        cell: (task) => task.who.join(', ') || 'nobody',
                      },
                      {
                        key: 'approvals',
                        header: 'Approval',
                        hideBelow: 'md',
                        cell: (task) =>
                          task.approvals ? (
                            <Badge tone="hold">
                              {task.approvals.count} of {task.approvals.from.join(', ')}
                            </Badge>
                          ) : (
                            <span className="text-muted">none</span>
                          ),
                      },
                      { key: 'ttl', header: 'For', hideBelow: 'lg', cell: (task) => <Duration ms={task.ttlMs} /> },
                      {
                        key: 'active',
                        header: 'Active',
                        align: 'right',
                        hideBelow: 'sm',
                        cell: (task) => task.activeGrants,
                      },
                      {
                        key: 'state',
                        header: 'State',
                        hideBelow: 'sm',
                        cell: (task) =>
                          task.revision === null ? (
                            <StateBadge state="draft" />
                          ) : task.mayActivate ? (
                            <Badge tone="allow">open to you</Badge>
                          ) : (
                            <Badge>published</Badge>
                          ),
                      },
                      {
                        key: 'updated',
                        header: 'Changed',
                        hideBelow: 'lg',
                        cell: (task) => <Time at={task.updatedAt} dateOnly />,
                      },
                    ]}
                  />
                )}
              </>
            );
          }}
        </QueryState>
      </Panel>
    </Page>
  );
}
