'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { parseAsInteger, useQueryStates } from 'nuqs';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Duration } from '@/components/time.tsx';
import { Description, UsedSince } from '@/features/documents/description.tsx';
import { RevisionPanel } from '@/features/documents/revision-panel.tsx';
import { ConnectSheet } from '@/features/grants/connect-sheet.tsx';
import { ActiveGrants, PendingGrants } from '@/features/grants/grant-rows.tsx';
import { query } from '@/lib/api.ts';
import { formatBytes, formatNumber } from '@/lib/format.ts';
import { policyLink, resourceLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { TaskView } from '@/lib/views.ts';
import { TaskPrincipal } from './task-principal.tsx';

export function TaskPage({ name }: { name: string }) {
  const task = useQuery(query.tasks.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={task} what="the task" page>
      {(data) => <TaskScreen task={data} />}
    </QueryState>
  );
}

function limitFacts(limits: TaskView['limits']): [string, React.ReactNode][] {
  const none = <span className="text-muted">no limit</span>;
  return [
    ['Rows', limits.rows === null ? none : formatNumber(limits.rows)],
    ['Bytes', limits.bytes === null ? none : formatBytes(limits.bytes)],
    ['Statements', limits.statements === null ? none : formatNumber(limits.statements)],
    ['Running time', limits.durationMs === null ? none : <Duration key="duration" ms={limits.durationMs} />],
    ['One statement', limits.statementMs === null ? none : <Duration key="statement" ms={limits.statementMs} />],
    ['Idle', limits.idleMs === null ? none : <Duration key="idle" ms={limits.idleMs} />],
    ['Connections', limits.connections === null ? none : formatNumber(limits.connections)],
  ];
}

function TaskScreen({ task }: { task: TaskView }) {
  const can = useCan();
  const [place, setPlace] = useQueryStates(
    { revision: parseAsInteger, line: parseAsInteger },
    { history: 'push', scroll: false },
  );
  const [connecting, setConnecting] = useState(false);
  const revisions = useQuery(query.tasks.revisions.queryOptions({ input: { name: task.name } }));
  const usage = useQuery({
    ...query.tasks.usage.queryOptions({ input: { name: task.name } }),
    enabled: task.revision !== null,
  });
  const draft = task.latestRevision !== task.revision;
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Tasks', href: '/tasks' }]}
        title={task.name}
        description={task.purpose}
        badges={
          <>
            {task.revision === null ? <StateBadge state="draft" /> : <Badge>revision {task.revision}</Badge>}
            {draft && task.revision !== null && <Badge tone="hold">newer draft {task.latestRevision}</Badge>}
          </>
        }
        actions={
          <>
            {can('task:write') && task.revision !== null && (
              <LinkButton href={`/tasks/suggest?resource=${task.resource}&task=${task.name}`}>
                Narrow to its use
              </LinkButton>
            )}
            {can('task:write') && <LinkButton href={`/tasks/${task.name}/edit`}>Edit</LinkButton>}
            {can('grant:request') && (
              <Button
                variant="primary"
                onClick={() => setConnecting(true)}
                disabledReason={task.mayActivate ? null : (task.whyNot ?? 'you may not activate this task now')}
              >
                Connect
              </Button>
            )}
          </>
        }
      />
      {can('grant:request') && <MyGrantsOfTask name={task.name} />}
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel title="What it opens" actions={usage.data && <UsedSince usage={usage.data} />}>
          <Description
            sections={task.description}
            usage={usage.data ?? null}
            onLine={(line) => void setPlace({ line, revision: task.revision ?? task.latestRevision })}
          />
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="Terms">
            <Facts
              items={[
                [
                  'Resource',
                  can('resource:read') ? (
                    <Link key="resource" href={resourceLink(task.resource)} className="link">
                      {task.resource}
                    </Link>
                  ) : (
                    task.resource
                  ),
                ],
                ['Who', task.who.join(', ') || 'nobody'],
                [
                  'Approval',
                  task.approvals
                    ? `${task.approvals.count} of ${task.approvals.from.join(' or ')}`
                    : 'not needed to activate',
                ],
                ['Reason', task.reasonRequired ? 'required' : 'optional'],
                ...(task.ticketRequired ? ([['Ticket', 'required']] as const) : []),
                ['For', <Duration key="ttl" ms={task.ttlMs} />],
                ['Active now', String(task.activeGrants)],
              ]}
            />
          </Panel>
          <Panel title="Limits, with every policy">
            <Facts items={limitFacts(task.limits)} />
          </Panel>
          <TaskPrincipal name={task.name} />
          <Panel title="Policies that apply">
            {task.policies.length === 0 ? (
              <p className="text-muted">None. Only the task's own rules hold.</p>
            ) : (
              <ul className="flex flex-col gap-2">
                {task.policies.map((policy) => (
                  <li key={policy.name}>
                    <Link href={policyLink(policy.name)} className="link font-medium">
                      {policy.name}
                    </Link>{' '}
                    <Badge>revision {policy.revision}</Badge>
                    <p className="text-muted text-sm">{policy.purpose}</p>
                  </li>
                ))}
              </ul>
            )}
          </Panel>
        </div>
      </div>
      <QueryState query={revisions} what="the revisions">
        {(items) => (
          <RevisionPanel
            revisions={items}
            publishedRevision={task.revision}
            revision={place.revision}
            line={place.line}
            onRevision={(revision) => void setPlace({ revision, line: null })}
          />
        )}
      </QueryState>
      <ConnectSheet task={task} open={connecting} onClose={() => setConnecting(false)} />
    </Page>
  );
}

function MyGrantsOfTask({ name }: { name: string }) {
  const grants = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', task: name } }));
  const items = grants.data?.items ?? [];
  const active = items.filter((grant) => grant.state === 'active');
  const pending = items.filter((grant) => grant.state === 'requested' || grant.state === 'approved');
  if (active.length + pending.length === 0) return null;
  return (
    <Panel title="My grants of this task" flush>
      <ActiveGrants grants={active} />
      <PendingGrants grants={pending} />
    </Panel>
  );
}
