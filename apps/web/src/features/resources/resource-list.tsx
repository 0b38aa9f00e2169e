'use client';
import { useQuery } from '@tanstack/react-query';
import { parseAsString, useQueryState } from 'nuqs';
import { Badge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { EmptyState, NoMatch } from '@/components/empty-state.tsx';
import { Field } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { resourceLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { LabelBadges } from './label-badges.tsx';

export function ResourceList() {
  const can = useCan();
  const [q, setQ] = useQueryState('q', parseAsString.withDefault(''));
  const resources = useQuery(query.resources.list.queryOptions());
  const add = can('resource:write') ? (
    <LinkButton variant="primary" href="/resources/new">
      New resource
    </LinkButton>
  ) : null;
  return (
    <Page>
      <PageHeader
        title="Resources"
        description="The targets behind the gate. Their credentials are sealed in the vault and never shown."
        actions={add}
      />
      <Panel flush>
        <QueryState query={resources} what="the resources">
          {(all) => {
            if (all.length === 0)
              return (
                <EmptyState title="No resources yet" action={add}>
                  Add a Postgres database, test that the gate can open it, then write a task for it.
                </EmptyState>
              );
            const shown = all.filter((resource) =>
              `${resource.name} ${resource.host} ${resource.database} ${Object.entries(resource.labels).flat().join(' ')}`
                .toLowerCase()
                .includes(q.toLowerCase()),
            );
            return (
              <>
                <div className="border-line border-b px-4 py-3">
                  <Field label="Find">
                    {(props) => (
                      <Input
                        {...props}
                        type="search"
                        value={q}
                        placeholder="Name, host, database or label"
                        onChange={(event) => void setQ(event.target.value || null)}
                      />
                    )}
                  </Field>
                </div>
                {shown.length === 0 ? (
                  <NoMatch what="resources" onClear={() => void setQ(null)} />
                ) : (
                  <Table
                    caption={plural(shown.length, 'resource')}
                    rows={shown}
                    rowKey={(resource) => resource.name}
                    rowHref={(resource) => resourceLink(resource.name)}
                    columns={[
                      {
                        key: 'name',
                        header: 'Resource',
                        cell: (resource) => (
                          <span className="flex flex-wrap items-center gap-2">
                            {resource.name}
                            {resource.rotation.failure !== null && <Badge tone="deny">rotation failed</Badge>}
                          </span>
                        ),
                      },
                      {
                        key: 'where',
                        header: 'Where',
                        hideBelow: 'sm',
                        cell: (resource) => (
                          <span className="font-mono text-sm">
                            {resource.host}:{resource.port}/{resource.database}
                          </span>
                        ),
                      },
                      {
                        key: 'labels',
                        header: 'Labels',
                        hideBelow: 'md',
                        cell: (resource) => <LabelBadges labels={resource.labels} />,
                      },
                      {
                        key: 'tasks',
                        header: 'Tasks',
                        align: 'right',
                        cell: (resource) => resource.tasks.length,
                      },
                      {
                        key: 'policies',
                        header: 'Policies',
                        align: 'right',
                        cell: (resource) => resource.policies.length,
                      },
                      {
                        key: 'catalog',
                        header: 'Catalog',
                        hideBelow: 'lg',
                        cell: (resource) =>
                          resource.catalog ? (
                            <>
                              {plural(resource.catalog.relations, 'relation')}, <Time at={resource.catalog.readAt} />
                            </>
                          ) : (
                            <Badge tone="hold">not read yet</Badge>
                          ),
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
