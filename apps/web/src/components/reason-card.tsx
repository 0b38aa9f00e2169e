import type { Reason } from '@taskgate/core';
import clsx from 'clsx';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { OutcomeBadge } from './badge.tsx';
import { Ticked } from './ticked.tsx';

/** `task fix-order-status, revision 3, line 14`, linked to that line of its source where there is one. */
export function RuleLink({ rule }: { rule: Reason['rule'] }) {
  if (rule.kind === 'gate') return <span>the gate itself</span>;
  const href = `/${rule.kind === 'task' ? 'tasks' : 'policies'}/${rule.name}?revision=${rule.revision}${rule.line === null ? '' : `&line=${rule.line}`}`;
  return (
    <Link href={href} className="link">
      {rule.kind} {rule.name}, revision {rule.revision}
      {rule.line !== null && `, line ${rule.line}`}
    </Link>
  );
}

/**
 * The one way to explain a decision, the same in the console, the inbox, a session and on its own page: what was
 * decided, by which rule at which line, what would be allowed, and what can be done about it.
 */
export function ReasonCard({
  outcome,
  reasons,
  actions,
  headingLevel: Heading = 'h3',
}: {
  outcome: 'allow' | 'deny' | 'hold';
  reasons: readonly Reason[];
  actions?: ReactNode;
  headingLevel?: 'h2' | 'h3' | 'h4';
}) {
  const edge = outcome === 'deny' ? 'border-l-deny' : outcome === 'hold' ? 'border-l-hold' : 'border-l-allow';
  return (
    <div className={clsx('flex flex-col gap-2 rounded-md border border-line border-l-4 bg-surface p-3', edge)}>
      {reasons.map((reason, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a decision's reasons never change
        <div key={index} className={clsx('flex flex-col gap-1', index > 0 && 'border-line border-t pt-2')}>
          <div className="flex flex-wrap items-center gap-2">
            {index === 0 && <OutcomeBadge outcome={outcome} />}
            <Heading className="min-w-0 font-medium first-letter:uppercase">
              <Ticked text={reason.message} />
            </Heading>
          </div>
          <p className="text-muted text-sm">
            By <RuleLink rule={reason.rule} />
            {reason.rule.rule !== '' && <code className="ml-1 font-mono text-xs">{reason.rule.rule}</code>}
            <span className="ml-1 text-xs">({reason.code})</span>
          </p>
          {reason.wouldAllow !== null && (
            <p className="text-sm">
              <span className="font-medium">What would be allowed: </span>
              <Ticked text={reason.wouldAllow} />
            </p>
          )}
        </div>
      ))}
      {actions && <div className="flex flex-wrap gap-2 pt-1">{actions}</div>}
    </div>
  );
}
