'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { OutcomeBadge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { Facts } from '@/components/page.tsx';
import { Countdown, Duration, Time } from '@/components/time.tsx';
import { amountWords, budgetWords } from '@/features/grants/budget-words.ts';
import { EndGrantButton } from '@/features/grants/end-grant-button.tsx';
import { Answers, ReasonQuote, Section } from '@/features/inbox/card-frame.tsx';
import { grantState } from '@/features/inbox/item-words.ts';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { explainLink, grantLink, operationLink, subjectLink, subjectName } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { GrantTreeView, GrantView, OperationRowView } from '@/lib/views.ts';
import { OutcomeCounts } from './outcome-counts.tsx';
import { liveBelow, type TreeNode, type TreeStep } from './tree-rows.ts';
import { whoWords } from './who.tsx';

const REFRESH_MS = 5_000;
/** Of the newest refused statements, and of those held. */
const NEWEST = 3;

/** All that is known of one grant of a run, and where to go from it: down to its statements, up to who started it all. */
export function NodePanel({
  tree,
  node,
  onSelect,
}: {
  tree: GrantTreeView;
  node: TreeNode;
  onSelect: (id: string) => void;
}) {
  const can = useCan();
  const { grant, sessions } = node;
  const seesSessions = can('session:own') || can('session:read');
  return (
    <div className="flex flex-col gap-4 p-4">
      <div className="flex flex-col gap-2">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="wrap-anywhere font-semibold text-lg">{subjectName(grant)}</h2>
          <StateBadge state={grantState(grant)} />
          {grant.state === 'active' && grant.expiresAt !== null && <Countdown until={grant.expiresAt} />}
        </div>
        <div className="flex flex-wrap gap-2">
          {grant.state !== 'ended' && <EndGrantButton grant={grant} below={liveBelow(tree, grant.id)} />}
          <LinkButton size="sm" href={grantLink(grant.id)}>
            Request
          </LinkButton>
          {seesSessions && (
            <>
              <LinkButton size="sm" href={`/sessions?node=${grant.id}`}>
                Sessions
              </LinkButton>
              <LinkButton size="sm" href={`/operations?node=${grant.id}`}>
                Operations
              </LinkButton>
            </>
          )}
          {can('audit:read') && (
            <LinkButton size="sm" href={`/audit?node=${grant.id}`}>
              Audit
            </LinkButton>
          )}
        </div>
      </div>
      {grant.reason !== null && <ReasonQuote reason={grant.reason} ticket={grant.ticket} />}
      <Facts items={factsOf(tree, grant, onSelect, can('people:read'))} />
      {grant.narrowed.length > 0 && (
        <Section title="Narrower than what is above it">
          <ul className="flex flex-col gap-1 text-sm">
            {grant.narrowed.map(({ what, before, after }) => (
              <li key={`${what} ${before} ${after}`} className="wrap-anywhere">
                {what}: {after} <span className="text-muted">(above: {before})</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Budget budget={node.budget} />
      {grant.task !== null && (
        <Section title="Statements of its own">
          <p className="flex flex-wrap items-center gap-2 text-sm">
            {plural(sessions.total, 'session')}
            {sessions.live > 0 && `, ${sessions.live} live`}
            <OutcomeCounts counts={node.operations} />
          </p>
          <Holds holds={node.holds} />
        </Section>
      )}
      {seesSessions && grant.activatedAt !== null && <Stopped id={grant.id} live={grant.state === 'active'} />}
      {(grant.approvalsNeeded > 0 || grant.approvals.length > 0) && (
        <Section title="Approvals">
          <Answers subject={grant.id} approvals={grant.approvals} needed={grant.approvalsNeeded} />
        </Section>
      )}
      {grant.task !== null && <Unused unused={node.unused} used={sessions.total > 0} />}
    </div>
  );
}

function factsOf(
  tree: GrantTreeView,
  grant: GrantView,
  onSelect: (id: string) => void,
  seesPeople: boolean,
): Parameters<typeof Facts>[0]['items'] {
  const parent = tree.nodes.find((one) => one.grant.id === grant.parentId)?.grant;
  const person = (who: GrantView['requestedBy'], key: string) =>
    seesPeople ? (
      <Link key={key} className="link" href={`/people/${who.id}`}>
        {whoWords(who)}
      </Link>
    ) : (
      whoWords(who)
    );
  return [
    ['Who', person(grant.requestedBy, 'who')],
    [
      grant.task === null ? 'Workflow' : 'Task',
      <Link key="of" className="link" href={subjectLink(grant)}>
        {subjectName(grant)}, revision {grant.taskRevision ?? grant.workflowRevision}
      </Link>,
    ],
    ...(grant.resource === null ? [] : [['Resource', grant.resource] as const]),
    ...(parent === undefined
      ? []
      : [
          [
            'Below',
            <button key="up" type="button" className="link min-h-6" onClick={() => onSelect(parent.id)}>
              {subjectName(parent)}
            </button>,
          ] as const,
        ]),
    ...(grant.depth === 0 ? [] : [['Started by', person(grant.root.requestedBy, 'root')] as const]),
    ['Asked at', <Time key="asked" at={grant.requestedAt} />],
    ...(grant.activatedAt === null ? [] : [['Active since', <Time key="act" at={grant.activatedAt} />] as const]),
    ...(grant.endedAt === null
      ? [['For', <Duration key="ttl" ms={grant.ttlMs} />] as const]
      : [
          [
            'Ended',
            <span key="end">
              <Time at={grant.endedAt} />
              {grant.endedBy !== null && ` by ${whoWords(grant.endedBy)}`}
              {grant.exitCode !== null && `, exit code ${grant.exitCode}`}
            </span>,
          ] as const,
        ]),
  ];
}

function Budget({ budget }: { budget: TreeNode['budget'] }) {
  if (budget.length === 0) return null;
  return (
    <Section title="Budget, shared with all below it">
      <ul className="flex flex-col gap-1.5 text-sm tabular-nums">
        {budget.map(({ dimension, limit, own, subtree, reserved }) => (
          <li key={dimension}>
            <span className="flex flex-wrap justify-between gap-x-2">
              <span className={limit !== null && subtree >= limit ? 'text-deny' : undefined}>
                {budgetWords(dimension, subtree, limit)}
              </span>
              <span className="text-muted">
                {amountWords(dimension, own)} itself
                {reserved > 0 && `, ${amountWords(dimension, reserved)} reserved`}
              </span>
            </span>
            {limit !== null && (
              <progress
                aria-hidden="true"
                className={`h-1.5 w-full ${subtree >= limit ? 'text-deny' : 'text-accent'}`}
                max={Math.max(1, limit)}
                value={Math.min(subtree, limit)}
              />
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Holds({ holds }: { holds: TreeNode['holds'] }) {
  const some = Object.entries(holds).filter(([, count]) => count > 0);
  if (some.length === 0) return null;
  return (
    <p className="text-muted text-sm">
      Held: {some.map(([state, count]) => `${count} ${state.replace('-', ' ')}`).join(', ')}
    </p>
  );
}

/** The newest statements that did not simply pass, here and below. */
function Stopped({ id, live }: { id: string; live: boolean }) {
  const input = { node: id, limit: NEWEST };
  const refetchInterval = live ? REFRESH_MS : false;
  const denied = useQuery({
    ...query.operations.list.queryOptions({ input: { ...input, outcome: 'deny' } }),
    refetchInterval,
  });
  const held = useQuery({
    ...query.operations.list.queryOptions({ input: { ...input, outcome: 'hold' } }),
    refetchInterval,
  });
  const rows = [...(denied.data?.items ?? []), ...(held.data?.items ?? [])];
  if (rows.length === 0) return null;
  return (
    <Section title="Newest refused and held, here and below">
      <ul className="flex flex-col gap-1.5">
        {rows.map((row) => (
          <StoppedRow key={row.decisionId} row={row} />
        ))}
      </ul>
    </Section>
  );
}

function StoppedRow({ row }: { row: OperationRowView }) {
  const [relation] = row.relations;
  const words = relation ? `${relation.verb} ${relation.schema}.${relation.name}` : row.label;
  return (
    <li className="flex flex-wrap items-center gap-x-2 text-sm">
      <OutcomeBadge outcome={row.outcome} />
      <Link href={operationLink(row.sessionId, row.decisionId)} className="link wrap-anywhere min-h-6">
        {words}
      </Link>
      <span className="text-muted">
        <Time at={row.at} />
      </span>
      <Link href={explainLink(row.decisionId)} className="link min-h-6" aria-label={`Why: ${words}`}>
        why
      </Link>
    </li>
  );
}

/** Least privilege at a glance: what the next run could do without. */
function Unused({ unused, used }: { unused: TreeNode['unused']; used: boolean }) {
  return (
    <Section title="Granted but unused">
      {unused === null ? (
        <p className="text-muted text-sm">
          Not known: the catalog was not read, or its statements are not yours to see.
        </p>
      ) : unused.length === 0 ? (
        <p className="text-sm">{used ? 'Nothing: all that it was given was used.' : 'Nothing.'}</p>
      ) : (
        <ul className="flex flex-col gap-1 text-sm">
          {unused.map(({ verb, relation, columns }) => (
            <li key={`${verb} ${relation}`} className="wrap-anywhere">
              {verb} <code className="font-mono">{relation}</code>{' '}
              <span className="text-muted">{columns === null ? 'not at all' : `(${columns.join(', ')})`}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** A step that nobody has started yet. */
export function StepPanel({ step }: { step: TreeStep }) {
  return (
    <div className="flex flex-col gap-3 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-semibold text-lg">{step.task}</h2>
        <StateBadge state={step.state} />
      </div>
      <p>{step.why ?? 'It can start. Nobody has started it yet: the token of the run does.'}</p>
      <Facts
        items={[
          [
            'Task',
            <Link key="task" className="link" href={`/tasks/${step.task}`}>
              {step.task}, revision {step.taskRevision}
            </Link>,
          ],
          ...(step.after.length === 0 ? [] : [['After', step.after.join(', ')] as const]),
        ]}
      />
    </div>
  );
}
