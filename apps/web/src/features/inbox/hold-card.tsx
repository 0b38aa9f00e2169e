'use client';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { Facts } from '@/components/page.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { SqlText } from '@/components/sql-text.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { plural } from '@/lib/format.ts';
import { explainLink, sessionLink, taskLink } from '@/lib/links.ts';
import type { HoldView } from '@/lib/views.ts';
import { Answers, CardHead, Parameters, ReasonQuote, Section } from './card-frame.tsx';
import { ChangeSample } from './change-sample.tsx';
import { MAX_READABLE_CHARACTERS, whyNotReadable } from './readable-statement.ts';

/** What it is expected to do, and what it did in a dry run. */
function Foreseen({ hold: { estimate, dryRun } }: { hold: HoldView }) {
  return (
    <Facts
      items={[
        [
          'Estimate',
          estimate === null
            ? 'not known: its planner was not asked'
            : `${plural(estimate.rows, 'row')}, out of ${plural(estimate.scanned, 'row')} read`,
        ],
        ...(dryRun === null
          ? []
          : [
              [
                'Dry run',
                <span key="dry-run" className={dryRun.rows === null ? 'text-deny' : undefined}>
                  {dryRun.rows === null
                    ? `failed with ${dryRun.sqlstate}`
                    : `exactly ${plural(dryRun.rows, 'row')} changed, then rolled back`}
                  {dryRun.notices > 0 && `, with ${plural(dryRun.notices, 'message')} of triggers or functions`}
                  <span className="text-muted block text-sm">
                    It ran with its triggers. Sequences that it advanced stay so.
                  </span>
                </span>,
              ] as const,
            ]),
      ]}
    />
  );
}

/** A statement that waits in the data path: all that a decision needs, on one screen. */
export function HoldCard({ hold, heading = 'h2' }: { hold: HoldView; heading?: 'h1' | 'h2' }) {
  const unreadable = whyNotReadable(hold);
  const waiting = hold.state === 'waiting';
  // No hold is without a reason.
  const withheld = hold.reasons.length === 0;
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <CardHead
        heading={heading}
        person={hold.requestedBy}
        about={
          <>
            {hold.statementClass.toUpperCase()} on {hold.resource}
          </>
        }
        state={hold.state}
        until={waiting ? hold.expiresAt : null}
      />
      <ReasonQuote reason={hold.grantReason} ticket={hold.ticket} />
      <Section
        title="The exact statement"
        aside={
          hold.affectsMax !== null && (
            <Badge tone="hold">rolled back if it touches more than {plural(hold.affectsMax, 'row')}</Badge>
          )
        }
      >
        <div className="max-h-44 overflow-y-auto">
          <SqlText sql={hold.statement.slice(0, MAX_READABLE_CHARACTERS)} />
        </div>
        <Parameters values={hold.parameters.slice(0, 100)} />
        <Foreseen hold={hold} />
        {hold.dryRun?.sample != null && hold.dryRun.rows !== null && <ChangeSample sample={hold.dryRun.sample} />}
        {unreadable !== null && <p className="text-deny text-sm first-letter:uppercase">{unreadable}.</p>}
      </Section>
      <div className="grid min-w-0 items-start gap-3 xl:grid-cols-[3fr_2fr]">
        <Section
          title="Why it needs a yes"
          aside={
            <Link href={explainLink(hold.decisionId)} className="link text-sm">
              Explain
            </Link>
          }
        >
          {withheld ? (
            <p className="text-muted text-sm">Withheld, as the statement is.</p>
          ) : (
            <ReasonCard outcome="hold" reasons={hold.reasons} />
          )}
        </Section>
        <Section title="What it reaches">
          {withheld && <p className="text-muted text-sm">Withheld, as the statement is.</p>}
          <ul className="flex flex-col gap-1">
            {hold.relations.map((relation) => (
              <li key={`${relation.verb} ${relation.schema}.${relation.name}`} className="wrap-anywhere text-sm">
                <Badge>{relation.verb}</Badge>{' '}
                <code className="font-mono">
                  {relation.schema}.{relation.name}
                </code>
                {relation.columns.length > 0 && (
                  <span className="text-muted">
                    {' '}
                    ({relation.columns.slice(0, 12).join(', ')}
                    {relation.columns.length > 12 && ` and ${relation.columns.length - 12} more`})
                  </span>
                )}
              </li>
            ))}
          </ul>
        </Section>
      </div>
      <div className="grid min-w-0 items-start gap-3 xl:grid-cols-2">
        <Facts
          items={[
            [
              'Task',
              <Link key="task" href={taskLink(hold.task)} className="link">
                {hold.task}, revision {hold.taskRevision}
              </Link>,
            ],
            [
              'Session',
              <Link key="session" href={`${sessionLink(hold.sessionId)}?op=${hold.decisionId}`} className="link">
                What was done in it
              </Link>,
            ],
          ]}
        />
        <Facts
          items={[
            ['Asked of', hold.approvers.join(', ') || '—'],
            [
              'Answers',
              <Answers key="answers" subject={hold.id} approvals={hold.approvals} needed={hold.approvalsNeeded} />,
            ],
            [
              'Last 90 days',
              `${plural(hold.history.grants90d, 'grant')}, ${hold.history.refused90d === 0 ? 'none' : hold.history.refused90d} refused`,
            ],
            ['Asked at', <Time key="at" at={hold.createdAt} />],
            ...(hold.redeemedAt !== null
              ? [['Let through', <Time key="through" at={hold.redeemedAt} />] as const]
              : []),
            ...(hold.endedAt !== null
              ? [
                  [
                    'Waited',
                    <Duration key="waited" ms={Date.parse(hold.endedAt) - Date.parse(hold.createdAt)} />,
                  ] as const,
                ]
              : []),
          ]}
        />
      </div>
    </div>
  );
}
