'use client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { RequestForm } from '@/features/grants/request-form.tsx';
import { query } from '@/lib/api.ts';
import { taskLink } from '@/lib/links.ts';
import { GrantConsole } from './grant-console.tsx';

/** The console of a task: under my grant that is open, else under one that is asked for in place. */
export function TaskConsole({ name }: { name: string }) {
  const [asked, setAsked] = useState<string | null>(null);
  const grants = useQuery(query.grants.list.queryOptions({ input: { mine: 'true', task: name, limit: 20 } }));
  // The most advanced one; an ended one opens nothing.
  const mine = (['active', 'approved', 'requested'] as const)
    .map((state) => grants.data?.items.find((grant) => grant.state === state))
    .find((grant) => grant !== undefined);
  // Once chosen it stays, so that a console does not go away under its user when the grant ends.
  const [chosen, setChosen] = useState<string | null>(null);
  if (chosen === null && mine !== undefined) setChosen(mine.id);
  const open = asked ?? chosen;
  if (open !== null) return <GrantConsole grantId={open} />;
  return (
    <Page>
      <PageHeader
        title={`Console of ${name}`}
        description="A console needs a grant of the task. You have none that is open."
        crumbs={[{ label: name, href: taskLink(name) }]}
      />
      <Panel className="max-w-2xl">
        <QueryState query={grants} what="your grants">
          {() => <AskHere name={name} onRequested={setAsked} />}
        </QueryState>
      </Panel>
    </Page>
  );
}

function AskHere({ name, onRequested }: { name: string; onRequested: (grantId: string) => void }) {
  const task = useQuery(query.tasks.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={task} what="this task">
      {(data) => <RequestForm task={data} onRequested={(grant) => onRequested(grant.id)} />}
    </QueryState>
  );
}
