'use client';
import type { StatementVerdict } from '@taskgate/contracts';
import { useState } from 'react';
import { OutcomeBadge } from '@/components/badge.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { Ticked } from '@/components/ticked.tsx';

/** What the gate would decide on the text that would be sent, before it is: by the same rules as when it is. */
export function VerdictStrip({ statements }: { statements: readonly StatementVerdict[] | null }) {
  const [open, setOpen] = useState(false);
  const worst = statements === null ? null : strictest(statements);
  // Of what is blocked nothing is shown at all.
  const shown = worst?.outcome === 'deny' ? [] : statements;
  const masks = [...new Map(shown?.flatMap((verdict) => verdict.masks).map((entry) => [entry.column, entry])).values()];
  const reason = worst?.outcome === 'allow' ? null : (worst?.reasons[0] ?? null);
  return (
    <div className="border-line border-t bg-surface">
      <div role="status" className="flex min-h-9 items-center gap-2 px-3 py-1">
        {worst === null ? (
          <span className="text-muted text-sm">What the gate would decide appears here as you type.</span>
        ) : (
          <>
            <OutcomeBadge
              outcome={worst.outcome}
              label={{ allow: 'will be allowed', hold: 'needs approval', deny: 'blocked' }[worst.outcome]}
            />
            {masks.length > 0 && (
              <OutcomeBadge outcome="mask" label={`masked: ${masks.map(({ column }) => column).join(', ')}`} />
            )}
            {reason && (
              <span className="min-w-0 flex-1 truncate text-sm">
                <Ticked text={inShort(worst.outcome, reason)} />
              </span>
            )}
            {statements!.length > 1 && !reason && (
              <span className="text-muted text-sm">{statements!.length} statements</span>
            )}
            {reason && (
              <button
                type="button"
                aria-expanded={open}
                className="link min-h-6 shrink-0 text-sm"
                onClick={() => setOpen(!open)}
              >
                {open ? 'Hide' : 'Why'}
              </button>
            )}
          </>
        )}
      </div>
      {open && worst && reason && (
        <div className="max-h-60 overflow-y-auto px-3 pb-2">
          <ReasonCard outcome={worst.outcome} reasons={worst.reasons} />
        </div>
      )}
    </div>
  );
}

/** Of a hold, who has to agree. */
const inShort = (
  outcome: StatementVerdict['outcome'],
  { message, wouldAllow }: StatementVerdict['reasons'][number],
): string => (outcome === 'hold' && wouldAllow !== null ? `${message}; ${wouldAllow}` : message);

const RANK = { allow: 0, hold: 1, deny: 2 } as const;

function strictest(statements: readonly StatementVerdict[]): StatementVerdict | null {
  return statements.reduce<StatementVerdict | null>(
    (worst, verdict) => (worst === null || RANK[verdict.outcome] > RANK[worst.outcome] ? verdict : worst),
    null,
  );
}
