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
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { workflowLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';

export function WorkflowList() {
  const can = useCan();
  const [q, setQ] = useQueryState('q', parseAsString.withDefault(''));
  const workflows = useQuery(query.workflows.list.queryOptions());
  const write = can('task:write') ? (
    <LinkButton variant="primary" href="/workflows/new">
      New workflow
    </LinkButton>
  ) : null;
  return (
    <Page>
      <PageHeader
        title="Workflows"
        description="A job in steps. Its grant opens nothing itself: each step is a grant of its own, of one task, and all of them end with it."
        actions={write}
      />
      <Panel flush>
        <QueryState query={workflows} what="the workflows">
          {(all) => {
            if (all.length === 0)
              return (
                <EmptyState title="No workflows yet" action={write}>
                  A workflow names the tasks of a job and their order, on whatever resources.
                </EmptyState>
              );
            const shown = all.filter((workflow) =>
              `${workflow.name} ${workflow.purpose}`.toLowerCase().includes(q.toLowerCase()),
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
                  <NoMatch what="workflows" onClear={() => void setQ(null)} />
                ) : (
                  <Table
                    caption={plural(shown.length, 'workflow')}
                    rows={shown}
                    rowKey={(workflow) => workflow.name}
                    rowHref={(workflow) => workflowLink(workflow.name)}
                    columns={[
                      {
                        key: 'name',
                        header: 'Workflow',
                        cell: (workflow) => (
                          <span className="block min-w-40 py-1">
                            {workflow.name}
                            <span className="block max-w-lg font-normal text-muted text-sm">{workflow.purpose}</span>
                          </span>
                        ),
                      },
                      {
                        key: 'steps',
                        header: 'Steps',
                        cell: (workflow) => workflow.steps.map((step) => step.task).join(', '),
                      },
                      {
                        key: 'who',
                        header: 'For',
                        hideBelow: 'sm',
                        cell: (workflow) => workflow.who.join(', ') || 'nobody',
                      },
                      {
                        key: 'active',
                        header: 'Running',
                        align: 'right',
                        hideBelow: 'sm',
                        cell: (workflow) => workflow.activeGrants,
                      },
                      {
                        key: 'state',
                        header: 'State',
                        hideBelow: 'md',
                        cell: (workflow) =>
                          workflow.revision === null ? (
                            <StateBadge state="draft" />
                          ) : workflow.revision === workflow.latestRevision ? (
                            <Badge>revision {workflow.revision}</Badge>
                          ) : (
                            <Badge tone="hold">newer draft {workflow.latestRevision}</Badge>
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
