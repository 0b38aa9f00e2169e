'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { CopyLinkButton } from '@/components/copy-link-button.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { ScrollText } from '@/components/scroll-text.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { SqlText } from '@/components/sql-text.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import { ApprovalSignature } from '@/features/approvals/approval-signature.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { consoleLink, sessionLink, taskLink } from '@/lib/links.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { offsetOf, spanOfName, wordEnd } from '@/lib/position.ts';
import type { ExplanationView } from '@/lib/views.ts';
import { endingOf, titleOf } from './ending.ts';

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

/** Where in the statement the first reason points. */
function spotOf({ statement, reasons, outcome }: ExplanationView): { from: number; to: number } | null {
  const reason = reasons[0];
  if (statement === null || outcome === 'allow' || reason === undefined) return null;
  if (reason.position === null) return spanOfName(statement, reason.message);
  const from = offsetOf(statement, reason.position);
  return { from, to: wordEnd(statement, from) };
}

function Explained({ explanation }: { explanation: ExplanationView }) {
  const me = useMe();
  const can = useCan();
  const own = explanation.person.id === me.id;
  const ending = endingOf(explanation);
  const passed =
    explanation.outcome === 'allow' && (explanation.ending === null || explanation.ending.result === 'done');
  return (
    <>
      <PageHeader
        title={titleOf(explanation)}
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
          <>
            <CopyLinkButton />
            {own && can('grant:request') && explanation.grantState === 'active' && (
              <LinkButton href={consoleLink(explanation.grantId)}>Back to the console</LinkButton>
            )}
          </>
        }
      />
      <div className="grid min-w-0 items-start gap-4 lg:grid-cols-[3fr_2fr]">
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="The statement">
            {explanation.statement === null ? (
              <p className="text-muted">
                You may not read it, nor what it reached and the reasons that name it: only whose session it is and its
                named readers may.
              </p>
            ) : (
              <SqlText sql={explanation.statement} spot={spotOf(explanation)} />
            )}
          </Panel>
          <Panel title="The decision">
            <div className="flex flex-col gap-3">
              {explanation.reasons.length > 0 && (
                <ReasonCard outcome={explanation.outcome} reasons={explanation.reasons} />
              )}
              {explanation.excerpts.map((excerpt) => (
                <Excerpt key={`${excerpt.kind} ${excerpt.name} ${excerpt.line}`} excerpt={excerpt} />
              ))}
              {explanation.newerTaskRevision !== null && (
                <p className="text-sm">
                  <Badge tone="hold">revision {explanation.newerTaskRevision} is in force now</Badge> The decision was
                  made by revision {explanation.taskRevision}, which the grant was asked for with.{' '}
                  <Link
                    href={`${taskLink(explanation.task)}?revision=${explanation.newerTaskRevision}`}
                    className="link"
                  >
                    See what it says
                  </Link>
                </p>
              )}
            </div>
          </Panel>
          {(ending !== null || explanation.hold !== null) && (
            <Panel title="How it ended">
              <div className="flex flex-col gap-2">
                {ending !== null && <p>{ending}</p>}
                {explanation.ending?.message && (
                  <p className="wrap-anywhere text-sm">
                    <Ticked text={explanation.ending.message} />
                  </p>
                )}
                {explanation.hold?.answers.map((answer) => (
                  <div key={answer.id} className="text-sm">
                    {answer.person.name} {answer.outcome} it{answer.comment ? `: ${answer.comment}` : '.'}
                    {answer.signedBy !== null && (
                      <ApprovalSignature
                        approval={{
                          id: answer.id,
                          subject: explanation.hold!.id,
                          reviewer: answer.person.email,
                          signedBy: answer.signedBy,
                        }}
                      />
                    )}
                  </div>
                ))}
              </div>
            </Panel>
          )}
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          {own && !passed && <WhatNow explanation={explanation} />}
          {explanation.approvers && <Approvers approvers={explanation.approvers} />}
          {explanation.masks.length > 0 && (
            <Panel title="What was masked">
              <ul className="flex flex-wrap gap-1.5">
                {explanation.masks.map(({ column, mask }) => (
                  <li key={column}>
                    <OutcomeBadge outcome="mask" label={`${column} as ${mask}`} />
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          <Panel title="What it reached">
            {explanation.relations.length === 0 ? (
              <p className="text-muted">{explanation.statement === null ? 'Withheld from you.' : 'No relation.'}</p>
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
                    {Object.entries(relation.classes ?? {}).map(([label, columns]) => (
                      <Badge key={label} className="ml-1.5">
                        {label}: {columns.join(', ')}
                      </Badge>
                    ))}
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
      <figcaption className="flex flex-wrap items-center gap-2 border-line border-b px-3 py-1 text-sm">
        <Link href={href} className="link">
          {excerpt.kind} {excerpt.name}, revision {excerpt.revision}, line {excerpt.line}
        </Link>
        {excerpt.newerRevision !== null && <Badge tone="hold">now revision {excerpt.newerRevision}</Badge>}
      </figcaption>
      <ScrollText label={`Source of ${excerpt.name}`} className="overflow-x-auto bg-sunken px-3 py-2">
        {excerpt.text}
      </ScrollText>
    </figure>
  );
}

function Approvers({ approvers }: { approvers: NonNullable<ExplanationView['approvers']> }) {
  return (
    <Panel title="Who can agree">
      <p>
        {plural(approvers.count, 'person', 'people')} of{' '}
        {approvers.groups.map((group) => (
          <code key={group} className="mx-0.5 rounded-sm bg-sunken px-1 font-mono text-sm">
            {group}
          </code>
        ))}{' '}
        {approvers.to === 'statement' ? 'for this statement.' : 'for another activation of the task.'}
      </p>
      {approvers.people.length === 0 ? (
        <p className="mt-1 text-hold text-sm">No reviewer is in there now: ask an admin.</p>
      ) : (
        <p className="mt-1 text-muted text-sm">
          {approvers.people.map(({ name, email }) => `${name} (${email})`).join(', ')}
          {approvers.more > 0 && ` and ${approvers.more} more`}
        </p>
      )}
    </Panel>
  );
}

/** What its owner can do about it, the nearest first. */
function WhatNow({ explanation }: { explanation: ExplanationView }) {
  const { task, outcome, otherTasks } = explanation;
  // Not the statement: what is in an address is kept in histories and logs.
  const reason = `For what ${task} ${outcome === 'deny' ? 'denied' : 'held'}: ${explanation.reasons[0]?.message.replaceAll('`', '') ?? ''} (${explanation.decisionId})`;
  const request = (name: string): string =>
    `/requests/new?task=${encodeURIComponent(name)}&reason=${encodeURIComponent(reason.slice(0, 400))}`;
  // Held again in the same grant just as in a new one: it need only be sent again.
  const sendAgain = outcome === 'hold' && explanation.grantState === 'active' && explanation.newerTaskRevision === null;
  const ways = [
    ...(explanation.sameTaskAgain && !sendAgain
      ? [
          {
            task,
            says:
              explanation.newerTaskRevision === null
                ? outcome === 'hold'
                  ? 'would hold it again in a new grant.'
                  : 'would let it through in a new grant.'
                : `lets it through since revision ${explanation.newerTaskRevision}.`,
            label: `Ask for ${task} again`,
          },
        ]
      : []),
    ...otherTasks.map((other) => ({
      task: other.task,
      says: `would ${other.outcome === 'hold' ? 'hold it for approval' : 'allow it'}${other.needsApproval ? ', once its activation is approved' : ''}.`,
      label: `Ask for ${other.task}`,
    })),
  ];
  return (
    <Panel title="What you can do">
      {sendAgain && explanation.hold?.state !== 'waiting' && (
        <p className={ways.length > 0 ? 'mb-2' : undefined}>
          Your grant is still open: send the statement again, and it is held and asked for anew.
        </p>
      )}
      {ways.length > 0 ? (
        <ul className="flex flex-col gap-2">
          {ways.map((way) => (
            <li key={way.task} className="flex flex-wrap items-center justify-between gap-2">
              <span>
                <Link href={taskLink(way.task)} className="link">
                  {way.task}
                </Link>{' '}
                {way.says}
              </span>
              <LinkButton size="sm" variant="primary" href={request(way.task)}>
                {way.label}
              </LinkButton>
            </li>
          ))}
        </ul>
      ) : sendAgain ? null : (
        <p>
          No task of yours on {explanation.resource} would allow it now. Change the statement as said, or ask an admin
          to change the task.
        </p>
      )}
    </Panel>
  );
}
