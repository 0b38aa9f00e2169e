'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Facts } from '@/components/page.tsx';
import { Skeleton } from '@/components/skeleton.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { BudgetUsed } from '@/features/grants/budget-used.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { runLink, subjectLink, subjectName } from '@/lib/links.ts';
import type { DescriptionView, GrantView } from '@/lib/views.ts';
import { Answers, CardHead, ReasonQuote, Section } from './card-frame.tsx';
import { grantState } from './item-words.ts';

/** A request to activate a task: all that a decision needs, on one screen. */
export function GrantCard({ grant, heading = 'h2' }: { grant: GrantView; heading?: 'h1' | 'h2' }) {
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <CardHead
        heading={heading}
        person={grant.requestedBy}
        about={
          <>
            {subjectName(grant)}
            {grant.resource !== null && ` on ${grant.resource}`}
          </>
        }
        state={grantState(grant)}
        until={grant.state === 'active' ? grant.expiresAt : grant.state === 'ended' ? null : grant.requestExpiresAt}
      />
      <ReasonQuote reason={grant.reason} ticket={grant.ticket} />
      <div className="grid min-w-0 items-start gap-3 xl:grid-cols-2">
        <Facts
          items={[
            ['For', <Duration key="ttl" ms={grant.ttlMs} />],
            [
              grant.task === null ? 'Workflow' : 'Task',
              <Link key="task" href={subjectLink(grant)} className="link">
                {subjectName(grant)}, revision {grant.taskRevision ?? grant.workflowRevision}
              </Link>,
            ],
            ...(grant.depth > 0
              ? [
                  [
                    grant.step === null ? 'Below' : 'A step of',
                    <span key="root">
                      <Link href={runLink(grant.id)} className="link">
                        {grant.root.name}
                      </Link>{' '}
                      of {grant.root.requestedBy.name}
                    </span>,
                  ] as const,
                ]
              : []),
            ...(grant.narrowed.length > 0
              ? [['Narrowed', <Narrowed key="narrowed" changes={grant.narrowed} />] as const]
              : []),
            ['Purpose', grant.purpose],
            ['Asked at', <Time key="at" at={grant.requestedAt} />],
            ...(grant.activatedAt !== null
              ? [['Active since', <Time key="act" at={grant.activatedAt} />] as const]
              : []),
            ...(grant.endedAt !== null
              ? [
                  [
                    'Ended',
                    <span key="end">
                      <Time at={grant.endedAt} />
                      {grant.endedBy && ` by ${grant.endedBy.name}`}
                      {grant.exitCode !== null && `, exit code ${grant.exitCode}`}
                    </span>,
                  ] as const,
                ]
              : []),
          ]}
        />
        <Facts
          items={[
            ['Asked of', grant.approvers.join(', ') || 'nobody: the task needs no approval'],
            ...(grant.approvalsNeeded > 0 || grant.approvals.length > 0
              ? [
                  [
                    'Answers',
                    <Answers subject={grant.id} key="a" approvals={grant.approvals} needed={grant.approvalsNeeded} />,
                  ] as const,
                ]
              : []),
            ...(grant.approvalsNeeded > 0 ? [['Because', <Because key="why" grant={grant} />] as const] : []),
            ...(grant.activatedAt !== null ? [['Sessions', plural(grant.sessions, 'session')] as const] : []),
          ]}
        />
      </div>
      {grant.budget.some(({ limit }) => limit !== null) && (
        <Section title="Used so far">
          <BudgetUsed budget={grant.budget} />
        </Section>
      )}
      {grant.task !== null && <WhatItGives name={grant.task} />}
    </div>
  );
}

function Narrowed({ changes }: { changes: GrantView['narrowed'] }) {
  return (
    <ul>
      {changes.map(({ what, before, after }) => (
        <li key={`${what} ${before} ${after}`} className="wrap-anywhere">
          {what}: {after} <span className="text-muted">(above: {before})</span>
        </li>
      ))}
    </ul>
  );
}

/** The line of the document that asks for approval. */
function Because({ grant }: { grant: GrantView }) {
  const task = useQuery({
    ...query.tasks.get.queryOptions({ input: { name: subjectName(grant) } }),
    enabled: grant.task !== null,
  });
  const workflow = useQuery({
    ...query.workflows.get.queryOptions({ input: { name: subjectName(grant) } }),
    enabled: grant.task === null,
  });
  const data = grant.task === null ? workflow.data : task.data;
  const revision = grant.taskRevision ?? grant.workflowRevision;
  const line = data?.description
    .flatMap((section) => section.items)
    .find((item) => item.path === 'access.approvals' && data.revision === revision)?.line;
  return (
    <span>
      <Link href={`${subjectLink(grant)}?revision=${revision}${line == null ? '' : `&line=${line}`}`} className="link">
        the {grant.task === null ? 'workflow' : 'task'}
        {line == null ? '' : `, line ${line}`}
      </Link>{' '}
      says so
    </span>
  );
}

/** What the task means, in words: nobody should have to say yes to a name. */
function WhatItGives({ name }: { name: string }) {
  const task = useQuery(query.tasks.get.queryOptions({ input: { name } }));
  if (task.error) return null;
  if (!task.data) return <Skeleton className="h-24" />;
  const sections = task.data.description.filter((section) => section.items.length > 0);
  return (
    <Section title="What it gives">
      <div className="grid gap-x-6 gap-y-3 rounded-md border border-line bg-surface p-3 lg:grid-cols-2">
        {sections.map((section) => (
          <div key={section.title} className="min-w-0">
            <h4 className="font-medium text-sm">{section.title}</h4>
            <ul className="text-sm">
              {section.items.map((item) => (
                <li key={item.path + item.text} className="wrap-anywhere flex gap-1.5">
                  <ToneMark tone={item.tone} />
                  <span>
                    <Ticked text={item.text} />
                  </span>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </Section>
  );
}

const MARKS: Record<DescriptionView['items'][number]['tone'], readonly [string, string]> = {
  allow: ['+', 'text-allow'],
  deny: ['×', 'text-deny'],
  hold: ['!', 'text-hold'],
  mask: ['~', 'text-mask'],
  limit: ['≤', 'text-muted'],
  plain: ['·', 'text-muted'],
};

function ToneMark({ tone }: { tone: keyof typeof MARKS }) {
  const [mark, color] = MARKS[tone];
  return (
    <span aria-hidden="true" className={`w-3 shrink-0 text-center font-mono ${color}`}>
      {mark}
    </span>
  );
}
