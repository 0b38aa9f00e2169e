'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { query } from '@/lib/api.ts';
import type { Failure } from './console-state.ts';

/** Why a statement did not run, or failed: the gate's reasons where it refused, else the target's own words. */
export function FailureCard({
  failure,
  place,
  onGoTo,
}: {
  failure: Failure;
  /** In the editor, as people count. */
  place: { line: number; column: number } | null;
  onGoTo: () => void;
}) {
  const decisionId = /\/explain\/(dec_[0-9a-z]{26})/.exec(failure.link ?? '')?.[1] ?? null;
  const explanation = useQuery({
    ...query.sessions.explain.queryOptions({ input: { decisionId: decisionId ?? '' } }),
    enabled: decisionId !== null,
    // The decision is indexed a moment after it was made.
    retry: 4,
    retryDelay: 400,
  });
  const hint =
    failure.link === null
      ? failure.hint
      : (failure.hint?.replace(failure.link, '').replace(/[\s;-]*(\bsee)?[\s;-]*$/, '') ?? null);
  const goTo = place !== null && (
    <Button size="sm" onClick={onGoTo}>
      Go to line {place.line}, column {place.column}
    </Button>
  );
  const explain = decisionId !== null && (
    <LinkButton size="sm" href={`/explain/${decisionId}`}>
      Explain
    </LinkButton>
  );
  // The gate's reasons say all that its message says, and link to the rule.
  if (explanation.data)
    return (
      <div role="alert" className="p-3">
        <ReasonCard
          outcome={explanation.data.outcome}
          reasons={explanation.data.reasons}
          actions={
            <>
              {explanation.data.otherTasks.map(({ task, outcome }) => (
                <LinkButton
                  key={task}
                  size="sm"
                  variant="primary"
                  href={`/requests/new?task=${encodeURIComponent(task)}`}
                >
                  Ask for {task}, which would {outcome === 'hold' ? 'hold' : 'allow'} it
                </LinkButton>
              ))}
              {goTo}
              {explain}
              <Badge className="self-center font-mono">{failure.sqlstate}</Badge>
            </>
          }
        />
        {failure.message.startsWith('taskgate: ') || <p className="wrap-anywhere mt-2 text-sm">{failure.message}</p>}
      </div>
    );
  return (
    <div role="alert" className="flex flex-col gap-3 p-3">
      <div className="rounded-md border border-deny/40 border-l-4 border-l-deny bg-deny-soft p-3">
        <p className="wrap-anywhere font-medium text-deny">
          <Badge tone="deny" className="mr-2 font-mono">
            {failure.sqlstate}
          </Badge>
          <Ticked text={failure.message} />
        </p>
        {failure.detail !== null && <p className="wrap-anywhere mt-1 text-sm">{failure.detail}</p>}
        {hint !== null && hint !== '' && (
          <p className="wrap-anywhere mt-1 text-sm">
            <span className="font-medium">Hint: </span>
            {hint}
          </p>
        )}
        {(goTo || explain) && (
          <div className="mt-2 flex flex-wrap items-center gap-2">
            {goTo}
            {explain}
          </div>
        )}
      </div>
      {decisionId === null && failure.link !== null && failure.link.startsWith(window.location.origin) && (
        <Link href={failure.link} className="link">
          More about this
        </Link>
      )}
    </div>
  );
}
