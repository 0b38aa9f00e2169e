import { BUDGET_DIMENSIONS, type BudgetDimension, TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';

/** No slice is more than this part of what is left: what other gateways find is never all gone. */
const SHARE = 4;
/** Slices are not cut smaller than this while so much is left. */
const SMALLEST: Readonly<Record<BudgetDimension, number>> = { rows: 1, bytes: 16_384, statements: 1, duration: 250 };

export interface BudgetReport {
  readonly grantId: string;
  /** Who has the slices: one life of a grant's counters at one gateway. */
  readonly holder: string;
  readonly gateway: string;
  readonly lines: readonly BudgetReportLine[];
  /** The holder is done: what it did not use goes back. */
  readonly close: boolean;
}

export interface BudgetReportLine {
  readonly dimension: BudgetDimension;
  /** `null`: counted, not limited. */
  readonly limit: number | null;
  /** All that this holder has used since it began: saying it twice changes nothing. */
  readonly used: number;
  /** How much more it would have; 0: it only reports. */
  readonly want: number;
  /** Gives back first what it has: its limit has changed. */
  readonly release: boolean;
}

export interface BudgetGrantedLine {
  readonly dimension: BudgetDimension;
  /** All that the holder was ever given. */
  readonly granted: number;
  /** What nobody has reserved yet. */
  readonly left: number;
}

/**
 * Notes what a gateway has used of a grant's budget, and reserves more for it. Under the locks of the budget's rows, so
 * that `spent + reserved` never passes the limit, whoever asks at the same moment. An answer that was lost costs nothing:
 * what a holder was given is settled when it closes.
 */
export async function reserveBudget(ctx: ServiceContext, report: BudgetReport): Promise<readonly BudgetGrantedLine[]> {
  requireSystem(ctx, 'gateway');
  const lines = BUDGET_DIMENSIONS.flatMap((dimension) => report.lines.filter((line) => line.dimension === dimension));
  if (lines.length !== report.lines.length || lines.some(({ used, want }) => !isCount(used) || !isCount(want)))
    throw new TaskgateError('bad-input', 'that is not a report of a budget');
  return withTransaction(ctx, async (tx) => {
    // No audit row: nobody decided anything; what was used is in the recordings.
    const asked = JSON.stringify(lines.map(({ dimension, limit }, n) => ({ n, dimension, limit })));
    // In one order everywhere, so that two reports never wait for each other.
    const budgets = await tx.$queryRaw<{ dimension: string; spent: bigint; reserved: bigint }[]>`
      insert into grant_budgets ("grantId", dimension, "limit")
      select ${report.grantId}, x.dimension, x."limit"
      from jsonb_to_recordset(${asked}::jsonb) as x(n int, dimension text, "limit" bigint) order by x.n
      on conflict ("grantId", dimension) do update set "limit" = excluded."limit"
      returning dimension, spent, reserved`;
    const slices = await tx.$queryRaw<{ dimension: string; granted: bigint; spent: bigint }[]>`
      select dimension, granted, spent from budget_slices
      where "grantId" = ${report.grantId} and holder = ${report.holder}`;
    const granted: BudgetGrantedLine[] = [];
    const settled: { dimension: string; spent: number; reserved: number; granted: number; used: number }[] = [];
    for (const { dimension, limit, used, want, release } of lines) {
      const budget = budgets.find((one) => one.dimension === dimension)!;
      const slice = slices.find((one) => one.dimension === dimension);
      // Closed before, by a report whose answer was lost.
      if (slice === undefined && report.close) continue;
      const before = { granted: Number(slice?.granted ?? 0), spent: Number(slice?.spent ?? 0) };
      const spent = Math.max(before.spent, used);
      const spentInAll = Number(budget.spent) + spent - before.spent;
      // A row is sent to its end: it may pass what was granted.
      const kept = release || report.close ? spent : Math.max(before.granted, spent);
      const reservedBefore = Number(budget.reserved) - (before.granted - before.spent) + (kept - spent);
      const left = limit === null ? 0 : Math.max(0, limit - spentInAll - reservedBefore);
      const more = report.close ? 0 : Math.min(left, want, Math.max(SMALLEST[dimension], Math.ceil(left / SHARE)));
      settled.push({
        dimension,
        spent: spentInAll,
        reserved: reservedBefore + more,
        granted: kept + more,
        used: spent,
      });
      granted.push({ dimension, granted: kept + more, left: left - more });
    }
    if (settled.length === 0) return granted;
    await tx.$executeRaw`
      update grant_budgets b set spent = x.spent, reserved = x.reserved
      from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as x(dimension text, spent bigint, reserved bigint)
      where b."grantId" = ${report.grantId} and b.dimension = x.dimension`;
    if (report.close)
      await tx.$executeRaw`
        delete from budget_slices
        where "grantId" = ${report.grantId} and holder = ${report.holder}
          and dimension = any(${settled.map(({ dimension }) => dimension)}::text[])`;
    else
      await tx.$executeRaw`
        insert into budget_slices ("grantId", dimension, holder, gateway, granted, spent)
        select ${report.grantId}, x.dimension, ${report.holder}, ${report.gateway}, x.granted, x.used
        from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as x(dimension text, granted bigint, used bigint)
        on conflict ("grantId", dimension, holder)
        do update set granted = excluded.granted, spent = excluded.spent`;
    return granted;
  });
}

/** What a gateway of this name had reserved when it was killed counts as spent: nobody knows how much of it it used. */
export async function forfeitBudgets(ctx: ServiceContext, gatewayName: string): Promise<void> {
  requireSystem(ctx, 'gateway');
  await ctx.services.db.$executeRaw`
    with gone as (
      delete from budget_slices where gateway = ${gatewayName}
      returning "grantId", dimension, granted - spent as lost
    )
    update grant_budgets b set spent = b.spent + g.lost, reserved = b.reserved - g.lost
    from (select "grantId", dimension, sum(lost)::bigint as lost from gone group by 1, 2) g
    where b."grantId" = g."grantId" and b.dimension = g.dimension`;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
