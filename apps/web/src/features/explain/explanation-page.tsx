'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { OutcomeBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { ScrollText } from '@/components/scroll-text.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { SqlText } from '@/components/sql-text.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { consoleLink, sessionLink, taskLink } from '@/lib/links.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import type { ExplanationView } from '@/lib/views.ts';

/** The permanent address of one decision: what psql, the CLI and a log of a job link to. */
export function ExplanationPage({ decisionId }: { decisionId: string }) {
  const explanation = useQuery(query.sessions.explain.queryOptions({ input: { decisionId } }));
  return (
    <Page>
      {explanation.data ? (
        <Explained explanation={explanation.data} />
      ) : explanation.error ? (
        <ErrorState error={explanation.error} retry={() => void explanation.refetch()} what="this decision" />
      ) : (
        <TableSkeleton />
      )}
    </Page>
  );
}

const TITLES = { allow: 'Why it was allowed', deny: 'Why it was denied', hold: 'Why it was held' } as const;

function Explained({ explanation }: { explanation: ExplanationView }) {
  const me = useMe();
  const can = useCan();
  const own = explanation.person.id === me.id;
  const task = useQuery({
    ...query.tasks.get.queryOptions({ input: { name: explanation.task } }),
    enabled: can('task:read'),
  });
  return (
    <>
      <PageHeader
        title={TITLES[explanation.outcome]}
        badges={<OutcomeBadge outcome={explanation.outcome} />}
        description={
          <>
            {explanation.statementClass.toUpperCase()} by {explanation.person.name} under{' '}
            <Link href={taskLink(explanation.task)} className="link">
              {explanation.task}, revision {explanation.taskRevision}
            </Link>{' '}
            on {explanation.resource}, <Time at={explanation.at} />
          </>
        }
        actions={
          own && can('grant:request') ? (
            <LinkButton href={consoleLink(explanation.grantId)}>Back to the console</LinkButton>
          ) : undefined
        }
      />
      <div className="grid min-w-0 gap-4 lg:grid-cols-[3fr_2fr]">
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="The statement">
            {explanation.statement === null ? (
              <p className="text-muted">
                You may not read it: only whose session it is and its named readers may. What it reached is on the
                right.
              </p>
            ) : (
              <SqlText sql={explanation.statement} />
            )}
          </Panel>
          <Panel title="The decision">
            <div className="flex flex-col gap-3">
              <ReasonCard outcome={explanation.outcome} reasons={explanation.reasons} />
              {explanation.excerpts.map((excerpt) => (
                <Excerpt key={`${excerpt.kind} ${excerpt.name} ${excerpt.line}`} excerpt={excerpt} />
              ))}
            </div>
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          {own && explanation.outcome !== 'allow' && <WhatNow explanation={explanation} />}
          {task.data?.approvals && (
            <Panel title="Who can agree">
              <p>
                {plural(task.data.approvals.count, 'person', 'people')} of{' '}
                {task.data.approvals.from.map((group) => (
                  <code key={group} className="mx-0.5 rounded-sm bg-sunken px-1 font-mono text-sm">
                    {group}
                  </code>
                ))}{' '}
                for this task.
              </p>
            </Panel>
          )}
          <Panel title="What it reached">
            {explanation.relations.length === 0 ? (
              <p className="text-muted">No relation.</p>
            ) : (
              <ul className="flex flex-col gap-1">
                {explanation.relations.map((relation) => (
                  <li key={`${relation.verb} ${relation.schema}.${relation.name}`} className="wrap-anywhere">
                    {relation.verb}{' '}
                    <code className="font-mono text-sm">
                      {relation.schema}.{relation.name}
                    </code>
                    {relation.columns.length > 0 && (
                      <span className="text-muted text-sm"> ({relation.columns.join(', ')})</span>
                    )}
                  </li>
                ))}
              </ul>
            )}
          </Panel>
          <Panel title="Where it happened">
            <Facts
              items={[
                [
                  'Session',
                  <Link
                    key="session"
                    href={`${sessionLink(explanation.sessionId)}?op=${explanation.decisionId}`}
                    className="link"
                  >
                    This statement in its session
                  </Link>,
                ],
                [
                  'Decision',
                  <code key="id" className="wrap-anywhere font-mono text-xs">
                    {explanation.decisionId}
                  </code>,
                ],
              ]}
            />
          </Panel>
        </div>
      </div>
    </>
  );
}

function Excerpt({ excerpt }: { excerpt: ExplanationView['excerpts'][number] }) {
  const href = `/${excerpt.kind === 'policy' ? 'policies' : 'tasks'}/${excerpt.name}?revision=${excerpt.revision}&line=${excerpt.line}`;
  return (
    <figure className="min-w-0 rounded-md border border-line">
      <figcaption className="border-line border-b px-3 py-1 text-sm">
        <Link href={href} className="link">
          {excerpt.kind} {excerpt.name}, revision {excerpt.revision}, line {excerpt.line}
        </Link>
      </figcaption>
      <ScrollText label={`Source of ${excerpt.name}`} className="overflow-x-auto bg-sunken px-3 py-2">
        {excerpt.text}
      </ScrollText>
    </figure>
  );
}

/** What its owner can do about it, the nearest first. */
function WhatNow({ explanation }: { explanation: ExplanationView }) {
  const reason = `For what ${explanation.task} ${explanation.outcome === 'deny' ? 'denied' : 'held'}: ${explanation.reasons[0]?.message.replaceAll('`', '') ?? ''}`;
  const request = (task: string): string =>
    `/requests/new?task=${encodeURIComponent(task)}&reason=${encodeURIComponent(reason.slice(0, 400))}`;
  return (
    <Panel title="What you can do">
      {explanation.otherTasks.length > 0 ? (
        <ul className="flex flex-col gap-2">
          {explanation.otherTasks.map((task) => (
            <li key={task} className="flex flex-wrap items-center justify-between gap-2">
              <span>
                <Link href={taskLink(task)} className="link">
                  {task}
                </Link>{' '}
                would allow it.
              </span>
              <LinkButton size="sm" variant="primary" href={request(task)}>
                Ask for {task}
              </LinkButton>
            </li>
          ))}
        </ul>
      ) : (
        <p>
          No other task of yours on {explanation.resource} would allow it. Change the statement as said, or ask an admin
          to change the task.
        </p>
      )}
    </Panel>
  );
}
