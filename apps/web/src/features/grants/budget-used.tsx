import { formatBytes, formatDuration, formatNumber } from '@/lib/format.ts';
import type { GrantView } from '@/lib/views.ts';

type BudgetLine = GrantView['budget'][number];

const AMOUNT: Readonly<Record<BudgetLine['dimension'], (amount: number) => string>> = {
  rows: formatNumber,
  bytes: formatBytes,
  statements: formatNumber,
  duration: (ms) => formatDuration(ms),
};
const WHAT: Readonly<Record<BudgetLine['dimension'], string>> = {
  rows: 'rows',
  bytes: 'of results',
  statements: 'statements',
  duration: 'of running statements',
};

/** What a grant has used of its limits: a bar with its numbers each. Nothing where nothing is limited, or was used yet. */
export function BudgetUsed({ budget }: { budget: GrantView['budget'] }) {
  const limited = budget.filter((line): line is BudgetLine & { limit: number } => line.limit !== null);
  if (limited.length === 0) return null;
  return (
    <ul aria-label="Budget used" className="flex flex-wrap gap-x-5 gap-y-1 text-muted text-sm">
      {limited.map(({ dimension, limit, used, reserved }) => {
        const amount = AMOUNT[dimension];
        const words = `${amount(used)} of ${amount(limit)} ${WHAT[dimension]}`;
        return (
          <li key={dimension} className="flex items-center gap-2 tabular-nums">
            <progress
              aria-label={words}
              className={`h-1.5 w-20 ${used >= limit ? 'text-deny' : 'text-accent'}`}
              max={limit}
              value={Math.min(used, limit)}
            />
            <span className={used >= limit ? 'text-deny' : undefined}>{words}</span>
            {reserved > 0 && <span>({amount(reserved)} reserved by gateways)</span>}
          </li>
        );
      })}
    </ul>
  );
}
