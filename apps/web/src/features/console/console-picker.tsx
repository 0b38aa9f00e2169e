'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Countdown } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { consoleLink, subjectLink, subjectName, taskLink } from '@/lib/links.ts';

/** Where SQL can be written now: under a grant that is open, else in a task that I may open. */
export function ConsolePicker() {
  const grants = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', state: 'active' } }));
  const tasks = useQuery(query.tasks.list.queryOptions());
  const open = new Set(grants.data?.items.map((grant) => subjectName(grant)));
  return (
    <Page>
      <PageHeader
        title="Console"
        description="SQL in the browser, by the same rules and the same recording as in psql."
      />
      <Panel title="Open now" flush>
        <QueryState query={grants} what="your grants">
          {({ items }) =>
            items.length === 0 ? (
              <p className="px-4 py-3 text-muted">Nothing is open for you now. Choose a task below.</p>
            ) : (
              <ul>
                {items.map((grant) => (
                  <li
                    key={grant.id}
                    className="flex flex-wrap items-center gap-3 border-line border-b px-4 py-2 last:border-b-0"
                  >
                    <div className="min-w-0 flex-1">
                      <Link href={subjectLink(grant)} className="font-medium hover:underline">
                        {subjectName(grant)}
                      </Link>
                      <p className="text-muted text-sm">
                        {grant.resource} · {grant.expiresAt ? <Countdown until={grant.expiresAt} /> : 'no end'}
                      </p>
                    </div>
                    <LinkButton
                      variant="primary"
                      href={consoleLink(grant.id)}
                      aria-label={`Open the console of ${subjectName(grant)}`}
                    >
                      Open
                    </LinkButton>
                  </li>
                ))}
              </ul>
            )
          }
        </QueryState>
      </Panel>
      <Panel title="Tasks" flush>
        <QueryState query={tasks} what="the tasks">
          {(all) => {
            const others = all.filter((task) => task.mayActivate && !open.has(task.name));
            if (others.length === 0)
              return (
                <EmptyState title="No other task is open to you">
                  Tasks that you may activate are listed here.
                </EmptyState>
              );
            return (
              <ul>
                {others.map((task) => (
                  <li
                    key={task.name}
                    className="flex flex-wrap items-center gap-3 border-line border-b px-4 py-2 last:border-b-0"
                  >
                    <div className="min-w-0 flex-1">
                      <Link href={taskLink(task.name)} className="font-medium hover:underline">
                        {task.name}
                      </Link>{' '}
                      {task.approvals && <Badge tone="hold">needs approval</Badge>}
                      <p className="text-muted text-sm">
                        {task.resource} · {task.purpose}
                      </p>
                    </div>
                    <LinkButton href={`/tasks/${task.name}/sql`} aria-label={`Ask for ${task.name}`}>
                      Ask
                    </LinkButton>
                  </li>
                ))}
              </ul>
            );
          }}
        </QueryState>
      </Panel>
    </Page>
  );
}
