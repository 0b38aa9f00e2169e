import type { GrantView } from '@/lib/views.ts';
import { amountWords, budgetWords } from './budget-words.ts';

type BudgetLine = GrantView['budget'][number];

/** What a grant has used of its limits: a bar with its numbers each. Nothing where nothing is limited, or was used yet. */
export function BudgetUsed({ budget }: { budget: GrantView['budget'] }) {
  const limited = budget.filter((line): line is BudgetLine & { limit: number } => line.limit !== null);
  if (limited.length === 0) return null;
  return (
    <ul aria-label="Budget used" className="flex flex-wrap gap-x-5 gap-y-1 text-muted text-sm">
      {limited.map(({ dimension, limit, used, reserved }) => {
        const words = budgetWords(dimension, used, limit);
        return (
          <li key={dimension} className="flex items-center gap-2 tabular-nums">
            <progress
              aria-label={words}
              className={`h-1.5 w-20 ${used >= limit ? 'text-deny' : 'text-accent'}`}
              max={limit}
              value={Math.min(used, limit)}
            />
            <span className={used >= limit ? 'text-deny' : undefined}>{words}</span>
            {reserved > 0 && <span>({amountWords(dimension, reserved)} reserved by gateways)</span>}
          </li>
        );
      })}
    </ul>
  );
}
