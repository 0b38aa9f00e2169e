'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { Button } from '@/components/button.tsx';
import { Panel } from '@/components/page.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import { setPreference } from '@/lib/preferences.ts';

/** What to try in the demo, by what the person's roles allow. */
export function FirstSteps() {
  const can = useCan();
  const tasks = useQuery({ ...query.tasks.list.queryOptions(), enabled: can('task:read') });
  const hasTask = tasks.data?.some((task) => task.mayActivate) ?? false;
  const steps: { title: string; body: ReactNode }[] = [];
  if (can('grant:request') && hasTask) {
    steps.push({
      title: 'Open a task and run a query',
      body: (
        <>
          Activate{' '}
          <Link href="/tasks/sales-report" className="link">
            sales-report
          </Link>{' '}
          and paste its psql line, or use the console. E-mail addresses come back masked.
        </>
      ),
    });
    steps.push({
      title: 'Ask for what it does not allow',
      body: (
        <>
          Try <code className="rounded-sm bg-sunken px-1 font-mono">select ssn from customers limit 1;</code> The error
          names the rule and its line, and links to the explanation.
        </>
      ),
    });
    steps.push({
      title: 'Be held',
      body: (
        <>
          Under{' '}
          <Link href="/tasks/fix-order-status" className="link">
            fix-order-status
          </Link>
          , an update of one order waits until a reviewer agrees.
        </>
      ),
    });
  }
  if (can('grant:review'))
    steps.push({
      title: 'Decide what waits',
      body: (
        <>
          Requests and held statements come to the{' '}
          <Link href="/inbox" className="link">
            inbox
          </Link>{' '}
          of who may decide them.
        </>
      ),
    });
  if (can('task:write'))
    steps.push({
      title: 'Change a policy',
      body: (
        <>
          Read{' '}
          <Link href="/policies/customer-data" className="link">
            customer-data
          </Link>
          , edit it and see what changes before you publish.
        </>
      ),
    });
  if (can('session:read') || can('session:own'))
    steps.push({
      title: 'Replay what happened',
      body: (
        <>
          Every connection is a{' '}
          <Link href="/sessions" className="link">
            session
          </Link>
          : what was asked, decided and sent back.
        </>
      ),
    });
  if (steps.length === 0) return null;
  return (
    <Panel
      title="First steps"
      actions={
        <Button size="sm" variant="ghost" onClick={() => setPreference('firstStepsDismissed', true)}>
          Dismiss
        </Button>
      }
    >
      <ol className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
        {steps.map((step, index) => (
          <li key={step.title} className="flex min-w-0 gap-3">
            <span
              aria-hidden="true"
              className="grid size-6 shrink-0 place-items-center rounded-full bg-info-soft font-semibold text-info text-xs"
            >
              {index + 1}
            </span>
            <div className="min-w-0 flex-1">
              <h3 className="font-medium">{step.title}</h3>
              <div className="mt-0.5 text-muted text-sm">{step.body}</div>
            </div>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
