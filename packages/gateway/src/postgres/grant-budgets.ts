import type { GrantLimits, ReasonCode } from '@taskgate/core';

/** What the sessions of one grant at this gateway have used. */
export interface GrantBudget {
  rows: number;
  bytes: number;
  statements: number;
}

export interface LimitReached {
  readonly code: ReasonCode;
  readonly message: string;
}

/** Shared by all sessions of a grant here; kept while one is open, so that reconnecting starts no new budget while another is open. */
export function createGrantBudgets() {
  const budgets = new Map<string, GrantBudget>();
  return {
    of(grantId: string): GrantBudget {
      let budget = budgets.get(grantId);
      if (budget === undefined) {
        budget = { rows: 0, bytes: 0, statements: 0 };
        budgets.set(grantId, budget);
      }
      return budget;
    },
    /** The grant has ended: nobody can use it again. */
    drop(grantId: string): void {
      budgets.delete(grantId);
    },
  };
}
export type GrantBudgets = ReturnType<typeof createGrantBudgets>;

/** `null` while another statement (`during` left out), or another row of the one that runs, fits. */
export function limitReached(budget: GrantBudget, limits: GrantLimits, during?: 'rows'): LimitReached | null {
  if (during === undefined && limits.statements !== null && budget.statements >= limits.statements)
    return reached('statements', limits.statements);
  if (limits.rows !== null && budget.rows >= limits.rows) return reached('rows', limits.rows);
  if (limits.bytes !== null && budget.bytes >= limits.bytes) return reached('bytes', limits.bytes);
  return null;
}

function reached(what: string, limit: number): LimitReached {
  return { code: 'limit-reached', message: `the grant has used its ${limit} ${what}` };
}
