'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { parseAsInteger, useQueryStates } from 'nuqs';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Description } from '@/features/documents/description.tsx';
import { RevisionPanel } from '@/features/documents/revision-panel.tsx';
import { query } from '@/lib/api.ts';
import { taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { WorkflowView } from '@/lib/views.ts';

export function WorkflowPage({ name }: { name: string }) {
  const workflow = useQuery(query.workflows.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={workflow} what="the workflow" page>
      {(data) => <WorkflowScreen workflow={data} />}
    </QueryState>
  );
}

function WorkflowScreen({ workflow }: { workflow: WorkflowView }) {
  const can = useCan();
  const [place, setPlace] = useQueryStates(
    { revision: parseAsInteger, line: parseAsInteger },
    { history: 'push', scroll: false },
  );
  const revisions = useQuery(query.workflows.revisions.queryOptions({ input: { name: workflow.name } }));
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Workflows', href: '/workflows' }]}
        title={workflow.name}
        description={workflow.purpose}
        badges={
          <>
            {workflow.revision === null ? <StateBadge state="draft" /> : <Badge>revision {workflow.revision}</Badge>}
            {workflow.revision !== null && workflow.latestRevision !== workflow.revision && (
              <Badge tone="hold">newer draft {workflow.latestRevision}</Badge>
            )}
          </>
        }
        actions={
          <>
            <LinkButton href={`/runs?of=${workflow.name}`}>Runs</LinkButton>
            {can('task:write') && <LinkButton href={`/workflows/${workflow.name}/edit`}>Edit</LinkButton>}
            {workflow.mayActivate && (
              <LinkButton variant="primary" href={`/requests/new?workflow=${workflow.name}`}>
                Start
              </LinkButton>
            )}
          </>
        }
      />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel title="What it means">
          <Description
            sections={workflow.description}
            onLine={(line) => void setPlace({ line, revision: workflow.revision ?? workflow.latestRevision })}
          />
        </Panel>
        <Panel title="Steps">
          <ol className="flex flex-col gap-2">
            {workflow.steps.map((step) => (
              <li key={step.task} className="min-h-6">
                <Link href={taskLink(step.task)} className="link font-medium">
                  {step.task}
                </Link>{' '}
                <span className="text-muted">
                  {step.resource === null ? 'there is no such task' : `on ${step.resource}`}
                  {step.after.length > 0 && `, after ${step.after.join(' and ')}`}
                </span>
              </li>
            ))}
          </ol>
        </Panel>
      </div>
      <QueryState query={revisions} what="the revisions">
        {(items) => (
          <RevisionPanel
            revisions={items}
            publishedRevision={workflow.revision}
            revision={place.revision}
            line={place.line}
            onRevision={(revision) => void setPlace({ revision, line: null })}
          />
        )}
      </QueryState>
    </Page>
  );
}
