'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import { CopyLinkButton } from '@/components/copy-link-button.tsx';
import { EmptyState, NoPermission } from '@/components/empty-state.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { RuleLink } from '@/components/reason-card.tsx';
import { ScrollText } from '@/components/scroll-text.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { formatInstant, formatNumber, plural } from '@/lib/format.ts';
import { operationLink, policyLink, taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { SimulationView } from '@/lib/views.ts';
import { CHANGES, NOT_SIMULATED, type SimulatedGroup } from './change-words.ts';

const ASK_EVERY_MS = 300;

/** What drafts would have decided otherwise: an address to be put in a review. */
export function SimulationPage({ id }: { id: string }) {
  const can = useCan();
  const simulation = useQuery({
    ...query.simulations.get.queryOptions({ input: { id } }),
    enabled: can('task:write'),
    refetchInterval: (state) => (state.state.data?.state === 'running' ? ASK_EVERY_MS : false),
  });
  if (!can('task:write')) return <NoPermission heading="h1" what="simulations" who="an author of tasks" />;
  return (
    <Page>
      {simulation.data ? (
        <Simulated simulation={simulation.data} />
      ) : simulation.error ? (
        <ErrorState error={simulation.error} retry={() => void simulation.refetch()} what="this simulation" />
      ) : (
        <TableSkeleton />
      )}
    </Page>
  );
}

function Simulated({ simulation }: { simulation: SimulationView }) {
  const { result } = simulation;
  return (
    <>
      <PageHeader
        title={`Simulation of ${simulation.documents.map(({ name }) => name).join(', ')}`}
        description={
          <>
            By {simulation.createdBy.name}, <Time at={simulation.createdAt} />. Nothing was saved or published by it.
          </>
        }
        badges={simulation.state !== 'done' && <Badge tone="hold">{simulation.state}</Badge>}
        actions={<CopyLinkButton />}
      />
      {result !== null ? (
        <Result result={result} />
      ) : simulation.state === 'running' ? (
        <Progress progress={simulation.progress} />
      ) : (
        <Panel>
          <EmptyState title={`The simulation was ${simulation.state}`}>Run it again from the editor.</EmptyState>
        </Panel>
      )}
      <Panel title="What was simulated" flush>
        <ScrollText label="The drafts" className="max-h-96 overflow-auto px-4 py-3">
          {simulation.source}
        </ScrollText>
      </Panel>
      <p className="text-sm">
        {simulation.documents.map(({ kind, name }) => (
          <Link
            key={`${kind} ${name}`}
            className="link mr-4"
            href={`${kind === 'Policy' ? policyLink(name) : taskLink(name)}/edit`}
          >
            Edit {name}
          </Link>
        ))}
      </p>
    </>
  );
}

function Progress({ progress }: { progress: SimulationView['progress'] }) {
  const total = progress?.total ?? 0;
  return (
    <Panel>
      <div role="status" className="flex flex-col gap-2">
        <p>
          {total === 0
            ? 'Reading what was recorded…'
            : `${formatNumber(progress!.done)} of ${plural(total, 'distinct statement')} read…`}
        </p>
        <progress aria-label="Statements read" className="h-2 w-full" max={total || 1} value={progress?.done ?? 0} />
      </div>
    </Panel>
  );
}

function Result({ result }: { result: NonNullable<SimulationView['result']> }) {
  const changed = Object.values(result.changes).reduce((sum, count) => sum + count, 0);
  return (
    <>
      <Panel
        title={changed === 0 ? 'Nothing would change' : `${plural(changed, 'operation')} would be decided otherwise`}
      >
        <div className="flex flex-col gap-2">
          <p>
            {formatNumber(result.simulated)} of {plural(result.operations, 'operation')} recorded since{' '}
            <Time at={result.from} /> were decided by what is in force now and by the drafts:{' '}
            {formatNumber(result.unchanged)} alike.
          </p>
          {changed > 0 && (
            <ul className="flex flex-wrap gap-2">
              {CHANGES.filter(({ change }) => (result.changes[change] ?? 0) > 0).map(({ change, words, tone }) => (
                <li key={change}>
                  <Badge tone={tone}>
                    {formatNumber(result.changes[change]!)} {words}
                  </Badge>
                </li>
              ))}
            </ul>
          )}
          {result.notSimulated.map(({ why, count }) => (
            <p key={why} className="text-hold text-sm">
              Not simulated: {formatNumber(count)}, which {NOT_SIMULATED[why]}.
            </p>
          ))}
          {result.decidedDifferentlyThen > 0 && (
            <p className="text-muted text-sm">
              {plural(result.decidedDifferentlyThen, 'operation was', 'operations were')} decided otherwise when
              recorded: tasks, policies or the database have changed since, or a limit was reached. The comparison is
              with now.
            </p>
          )}
          <p className="text-muted text-sm">
            Budgets, conditions on the time and what approvers say are not simulated.
          </p>
        </div>
      </Panel>
      {CHANGES.map(({ change, words, tone }) => {
        const groups = result.groups.filter((group) => group.change === change);
        if (groups.length === 0) return null;
        return (
          <Panel key={change} title={`${formatNumber(result.changes[change] ?? 0)} ${words}`} flush>
            <ul>
              {groups.map((group) => (
                <GroupRow
                  key={JSON.stringify([group.person.id, group.task, group.what, group.after])}
                  group={group}
                  tone={tone}
                />
              ))}
            </ul>
          </Panel>
        );
      })}
      {result.groupsLeftOut > 0 && (
        <p className="text-muted text-sm">
          {plural(result.groupsLeftOut, 'smaller group')} left out here; all are counted above.
        </p>
      )}
    </>
  );
}

function GroupRow({ group, tone }: { group: SimulatedGroup; tone: 'deny' | 'hold' | 'allow' | 'mask' }) {
  const { before, after } = group;
  return (
    <li className="flex flex-col gap-1 border-line border-b px-4 py-3 last:border-b-0">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <Badge tone={tone}>{formatNumber(group.count)}</Badge>
        <span className="font-medium">{group.person.name}</span>
        <span className="text-muted">under</span>
        <Link href={taskLink(group.task)} className="link">
          {group.task}
        </Link>
      </p>
      <p className="wrap-anywhere font-mono text-sm">{group.what}</p>
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <OutcomeBadge outcome={before.outcome} /> <span aria-hidden="true">→</span>
        <span className="sr-only">becomes</span> <OutcomeBadge outcome={after.outcome} />
        {after.outcome === before.outcome && after.outcome !== 'deny' ? (
          <span className="wrap-anywhere min-w-0">
            {group.masks
              .map((mask) => `${mask.of}: ${mask.before ?? 'in clear'} becomes ${mask.after ?? 'in clear'}`)
              .join('; ')}
            {group.change === 'approvals-changed' &&
              ` ${before.approvals?.count} of ${before.approvals?.from.join(' or ')} becomes ${after.approvals?.count} of ${after.approvals?.from.join(' or ')}`}
            {group.change === 'rows-changed' &&
              ` ${before.affectsMax ?? 'any number of'} rows becomes ${after.affectsMax ?? 'any number of'} rows`}
          </span>
        ) : (
          <span className="wrap-anywhere min-w-0">
            <Ticked text={after.outcome === 'allow' ? before.reason.message : after.reason.message} />
          </span>
        )}
      </p>
      {/* Rules of a draft have no page yet. */}
      {after.outcome === 'allow' && before.outcome !== 'allow' && before.reason.rule.kind !== 'gate' && (
        <p className="text-muted text-sm">
          Denied or held now by <RuleLink rule={before.reason.rule} />
        </p>
      )}
      {after.outcome !== 'allow' && after.reason.rule.line !== null && (
        <p className="text-muted text-sm">
          By {after.reason.rule.kind} {after.reason.rule.name}, line {after.reason.rule.line} of the draft (
          <code className="font-mono text-xs">{after.reason.rule.rule}</code>)
        </p>
      )}
      <p className="flex flex-wrap gap-x-3 gap-y-1 text-sm">
        {group.latest.slice(0, 5).map((one) => (
          <Link
            key={one.decisionId}
            href={operationLink(one.sessionId, one.decisionId)}
            className="link inline-flex min-h-6 items-center"
          >
            {formatInstant(one.at)}
          </Link>
        ))}
        {group.count > Math.min(5, group.latest.length) && (
          <span className="inline-flex min-h-6 items-center text-muted">and earlier ones</span>
        )}
      </p>
    </li>
  );
}
