'use client';
import { useQuery } from '@tanstack/react-query';
import { parseAsString, useQueryState } from 'nuqs';
import { Badge, StateBadge } from '@/components/badge.tsx';
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
import { policyLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { appliesToWords } from './applies-to.ts';

export function PolicyList() {
  const can = useCan();
  const [q, setQ] = useQueryState('q', parseAsString.withDefault(''));
  const policies = useQuery(query.policies.list.queryOptions());
  const write = can('task:write') ? (
    <LinkButton variant="primary" href="/policies/new">
      New policy
    </LinkButton>
  ) : null;
  return (
    <Page>
      <PageHeader
        title="Policies"
        description="A task allows; a policy only takes away, from every task on the resources it applies to."
        actions={write}
      />
      <Panel flush>
        <QueryState query={policies} what="the policies">
          {(all) => {
            if (all.length === 0)
              return (
                <EmptyState title="No policies yet" action={write}>
                  A policy denies, holds, masks or limits across tasks, by the name or the labels of a resource.
                </EmptyState>
              );
            const shown = all.filter((policy) =>
              `${policy.name} ${policy.purpose}`.toLowerCase().includes(q.toLowerCase()),
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
                        placeholder="Name or purpose"
                        onChange={(event) => void setQ(event.target.value || null)}
                      />
                    )}
                  </Field>
                </div>
                {shown.length === 0 ? (
                  <NoMatch what="policies" onClear={() => void setQ(null)} />
                ) : (
                  <Table
                    caption={plural(shown.length, 'policy', 'policies')}
                    rows={shown}
                    rowKey={(policy) => policy.name}
                    rowHref={(policy) => policyLink(policy.name)}
                    columns={[
                      {
                        key: 'name',
                        header: 'Policy',
                        cell: (policy) => (
                          <span className="block min-w-40 py-1">
                            {policy.name}
                            <span className="block max-w-lg font-normal text-muted text-sm">{policy.purpose}</span>
                          </span>
                        ),
                      },
                      { key: 'applies', header: 'Applies to', cell: (policy) => appliesToWords(policy.appliesTo) },
                      {
                        key: 'rules',
                        header: 'Rules',
                        align: 'right',
                        hideBelow: 'sm',
                        cell: (policy) => policy.rules,
                      },
                      {
                        key: 'state',
                        header: 'State',
                        hideBelow: 'sm',
                        cell: (policy) =>
                          policy.revision === null ? (
                            <StateBadge state="draft" />
                          ) : policy.revision === policy.latestRevision ? (
                            <Badge>revision {policy.revision}</Badge>
                          ) : (
                            <Badge tone="hold">newer draft {policy.latestRevision}</Badge>
                          ),
                      },
                      {
                        key: 'updated',
                        header: 'Changed',
                        hideBelow: 'md',
                        cell: (policy) => <Time at={policy.updatedAt} dateOnly />,
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
