'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Time, useNow } from '@/components/time.tsx';
import { ConnectSheet } from '@/features/grants/connect-sheet.tsx';
import { ActiveGrants, PendingGrants } from '@/features/grants/grant-rows.tsx';
import { givenViews } from '@/features/operations/view-links.ts';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { subjectName, taskLink } from '@/lib/links.ts';
import { useCan, useSession } from '@/lib/me.tsx';
import { usePreferences } from '@/lib/preferences.ts';
import type { InboxItemView, TaskSummaryView } from '@/lib/views.ts';
import { FirstSteps } from './first-steps.tsx';

export function Home() {
  const { me, demo } = useSession();
  const can = useCan();
  const { firstStepsDismissed } = usePreferences();
  return (
    <Page>
      <PageHeader title={`Hello, ${me.name}`} description="What is open for you now, and what waits for somebody." />
      {demo && !firstStepsDismissed && <FirstSteps />}
      {can('grant:request') && <MyGrants />}
      {can('grant:review') && <WaitingOnMe />}
      {can('session:read') && <Views />}
      {can('task:read') && <MyTasks />}
    </Page>
  );
}

function MyGrants() {
  const active = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', state: 'active' } }));
  const requested = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', state: 'requested' } }));
  const approved = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', state: 'approved' } }));
  const pending = [...(approved.data?.items ?? []), ...(requested.data?.items ?? [])];
  return (
    <>
      <Panel title="Active grants" flush>
        <QueryState query={active} what="your grants">
          {({ items }) =>
            items.length === 0 ? (
              <p className="px-4 py-3 text-muted">Nothing is open for you now. Activate a task to connect.</p>
            ) : (
              <ActiveGrants grants={items} />
            )
          }
        </QueryState>
      </Panel>
      {pending.length > 0 && (
        <Panel title="My requests" flush>
          <PendingGrants grants={pending} />
        </Panel>
      )}
    </>
  );
}

const inboxTitle = (item: InboxItemView): string =>
  item.kind === 'grant'
    ? `${item.grant.requestedBy.name} asks for ${subjectName(item.grant)}`
    : `${item.hold.requestedBy.name} waits with a held statement of ${item.hold.task}`;

function WaitingOnMe() {
  const inbox = useQuery(query.inbox.list.queryOptions({ input: { view: 'mine', limit: 5 } }));
  return (
    <Panel
      title="Waiting on me"
      flush
      actions={
        <Link href="/inbox" className="link">
          Inbox
        </Link>
      }
    >
      <QueryState query={inbox} what="your inbox">
        {({ items }) =>
          items.length === 0 ? (
            <p className="px-4 py-3 text-muted">Nobody waits for your decision.</p>
          ) : (
            <ul>
              {items.map((item) => (
                <li
                  key={item.id}
                  className="flex flex-wrap items-center gap-2 border-line border-b px-4 py-2 last:border-b-0"
                >
                  <Badge tone="hold">{item.kind === 'grant' ? 'request' : 'hold'}</Badge>
                  <Link href={`/inbox?sel=${item.id}`} className="min-w-0 flex-1 truncate font-medium hover:underline">
                    {inboxTitle(item)}
                  </Link>
                  <span className="text-muted text-sm">
                    <Time at={item.at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </QueryState>
    </Panel>
  );
}

/** What an auditor looks at each day: the given views and their own. */
function Views() {
  const views = useQuery(query.views.list.queryOptions());
  // Days are the reader's own: the server does not know them.
  const now = useNow(3_600_000);
  const own = views.data?.map((view) => ({ name: view.name, href: `/${view.page}?${view.search}` })) ?? [];
  return (
    <Panel
      title="What was reached"
      actions={
        <Link href="/operations" className="link">
          All operations
        </Link>
      }
    >
      <ul className="grid gap-x-6 gap-y-1 sm:grid-cols-2">
        {[...own, ...(now === null ? [] : givenViews(now))].map((view) => (
          <li key={view.name}>
            <Link href={view.href} className="link inline-flex min-h-6 items-center">
              {view.name}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function MyTasks() {
  const tasks = useQuery(query.tasks.list.queryOptions());
  const can = useCan();
  const [connecting, setConnecting] = useState<TaskSummaryView | null>(null);
  return (
    <Panel
      title="My tasks"
      flush
      actions={
        <Link href="/tasks" className="link">
          All tasks
        </Link>
      }
    >
      <QueryState query={tasks} what="the tasks">
        {(all) => {
          const mine = all.filter((task) => task.mayActivate);
          if (mine.length === 0)
            return (
              <EmptyState
                title="No task is open to you now"
                action={can('task:write') ? <LinkButton href="/tasks/new">Write a task</LinkButton> : undefined}
              >
                {all.length === 0
                  ? 'A task opens one resource for one purpose. There is none yet.'
                  : `There ${all.length === 1 ? 'is one task' : `are ${plural(all.length, 'task')}`} here that you may read but not activate.`}
              </EmptyState>
            );
          return (
            <ul className="grid sm:grid-cols-2">
              {mine.map((task) => (
                <li
                  key={task.name}
                  className="flex items-start justify-between gap-3 border-line px-4 py-3 not-first:border-t sm:nth-2:border-t-0 sm:even:border-l"
                >
                  <div className="min-w-0">
                    <Link href={taskLink(task.name)} className="font-medium hover:underline">
                      {task.name}
                    </Link>
                    <p className="text-muted text-sm">{task.purpose}</p>
                    <p className="mt-1 flex flex-wrap gap-1.5">
                      <Badge>{task.resource}</Badge>
                      {task.approvals && <Badge tone="hold">needs approval</Badge>}
                    </p>
                  </div>
                  <Button size="sm" onClick={() => setConnecting(task)} aria-label={`Connect ${task.name}`}>
                    Connect
                  </Button>
                </li>
              ))}
            </ul>
          );
        }}
      </QueryState>
      {connecting && <ConnectSheet open task={connecting} onClose={() => setConnecting(null)} />}
    </Panel>
  );
}
