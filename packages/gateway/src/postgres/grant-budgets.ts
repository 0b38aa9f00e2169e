import { randomUUID } from 'node:crypto';
import type { GrantLimits } from '@taskgate/core';
import { type BudgetPorts, GrantBudget } from './grant-budget.ts';

/** How often what was used is told to the store, for people to see, and what could not be given back is tried again. */
const REPORT_MS = 2_000;
/** A client that comes back at once finds the slices that it had. */
const LINGER_MS = 1_000;

export interface GrantBudgets {
  /** The budget that all sessions of the grant here share, while any of them is open. */
  open(grantId: string, limits: GrantLimits): { readonly budget: GrantBudget; release(): void };
  /** Gives back all that is not used; no session may be open any more. */
  close(): Promise<void>;
}

export function createGrantBudgets(ports: BudgetPorts): GrantBudgets {
  const open = new Map<string, { readonly budget: GrantBudget; sessions: number; linger: NodeJS.Timeout | null }>();
  const closing = new Set<GrantBudget>();
  const settle = async (budget: GrantBudget): Promise<void> => {
    closing.add(budget);
    if (await budget.close()) closing.delete(budget);
  };
  const timer = setInterval(() => {
    for (const { budget } of open.values()) if (budget.hasNews) void budget.reserve();
    for (const budget of closing) void settle(budget);
  }, REPORT_MS);
  timer.unref();
  return {
    open(grantId, limits) {
      let entry = open.get(grantId);
      if (entry === undefined) {
        entry = { budget: new GrantBudget(grantId, randomUUID(), ports), sessions: 0, linger: null };
        open.set(grantId, entry);
      }
      if (entry.linger !== null) clearTimeout(entry.linger);
      entry.linger = null;
      entry.sessions += 1;
      entry.budget.setLimits(limits);
      const held = entry;
      return {
        budget: entry.budget,
        release: () => {
          held.sessions -= 1;
          if (held.sessions > 0) return;
          held.linger = setTimeout(() => {
            open.delete(grantId);
            void settle(held.budget);
          }, LINGER_MS);
          held.linger.unref();
        },
      };
    },
    async close() {
      clearInterval(timer);
      for (const { budget, linger } of open.values()) {
        if (linger !== null) clearTimeout(linger);
        closing.add(budget);
      }
      open.clear();
      await Promise.all([...closing].map(settle));
    },
  };
}
