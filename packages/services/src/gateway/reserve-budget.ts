import { BUDGET_DIMENSIONS, type BudgetDimension, type GrantLimits, limitOf, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { loadLimitsAbove } from '../grants/load-limits-above.ts';
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
 * Notes what a gateway has used of a grant's budget, and reserves more for it: of its own and of every budget above,
 * since what a grant uses counts for all the grants that it stands under. It is given what each of them has left. Under
 * the locks of the budgets' rows, the root's first, so that `spent + reserved` never passes a limit, whoever asks at the
 * same moment. An answer that was lost costs nothing: what a holder was given is settled when it closes.
 */
export async function reserveBudget(ctx: ServiceContext, report: BudgetReport): Promise<readonly BudgetGrantedLine[]> {
  requireSystem(ctx, 'gateway');
  const lines = BUDGET_DIMENSIONS.flatMap((dimension) => report.lines.filter((line) => line.dimension === dimension));
  if (lines.length !== report.lines.length || lines.some(({ used, want }) => !isCount(used) || !isCount(want)))
    throw new TaskgateError('bad-input', 'that is not a report of a budget');
  return withTransaction(ctx, async (tx) => {
    // No audit row: nobody decided anything; what was used is in the recordings.
    const chain = await loadChain(tx, report.grantId);
    // In one order everywhere, the root's first, so that two reports never wait for each other in a circle.
    const asked = chain.flatMap(({ grantId, limits }) =>
      lines.map(({ dimension, limit }) => ({
        grantId,
        dimension,
        limit: limits === null ? limit : limitOf(limits, dimension),
      })),
    );
    const budgets = await tx.$queryRaw<{ grantId: string; dimension: string; spent: bigint; reserved: bigint }[]>`
      insert into grant_budgets ("grantId", dimension, "limit")
      select x."grantId", x.dimension, x."limit"
      from jsonb_to_recordset(${JSON.stringify(asked.map((one, n) => ({ n, ...one })))}::jsonb)
        as x(n int, "grantId" text, dimension text, "limit" bigint)
      order by x.n
      on conflict ("grantId", dimension) do update set "limit" = excluded."limit"
      returning "grantId", dimension, spent, reserved`;
    const slices = await tx.$queryRaw<{ grantId: string; dimension: string; granted: bigint; spent: bigint }[]>`
      select "grantId", dimension, granted, spent from budget_slices
      where "grantId" = any(${chain.map(({ grantId }) => grantId)}::text[]) and holder = ${report.holder}`;
    const granted: BudgetGrantedLine[] = [];
    const settled: Settled[] = [];
    for (const line of lines) {
      const states = asked
        .filter(({ dimension }) => dimension === line.dimension)
        .flatMap(({ grantId, limit }) => {
          const isOf = (row: { readonly grantId: string; readonly dimension: string }): boolean =>
            row.grantId === grantId && row.dimension === line.dimension;
          const slice = slices.find(isOf);
          // Closed before, by a report whose answer was lost.
          if (slice === undefined && report.close) return [];
          return [settleOne(grantId, limit, line, budgets.find(isOf)!, slice, report.close)];
        });
      const own = states.find(({ grantId }) => grantId === report.grantId);
      if (own === undefined) continue;
      const tightest = Math.min(...states.map(({ free }) => free));
      // Counted, not limited: there is nothing to reserve.
      const left = Number.isFinite(tightest) ? tightest : 0;
      const { dimension, want } = line;
      const more = report.close ? 0 : Math.min(left, want, Math.max(SMALLEST[dimension], Math.ceil(left / SHARE)));
      for (const { grantId, spentInAll, reserved, kept, spent } of states)
        settled.push({
          grantId,
          dimension,
          spent: spentInAll,
          reserved: reserved + more,
          granted: kept + more,
          used: spent,
        });
      granted.push({ dimension, granted: own.kept + more, left: left - more });
    }
    if (settled.length > 0) await store(tx, report, settled);
    return granted;
  });
}

/** What the store is to hold of one budget, and of this holder's slice of it (`granted`, `used`). */
interface Settled {
  readonly grantId: string;
  readonly dimension: BudgetDimension;
  readonly spent: number;
  readonly reserved: number;
  readonly granted: number;
  readonly used: number;
}

function settleOne(
  grantId: string,
  limit: number | null,
  { used, release }: BudgetReportLine,
  budget: { readonly spent: bigint; readonly reserved: bigint },
  slice: { readonly granted: bigint; readonly spent: bigint } | undefined,
  close: boolean,
) {
  const before = { granted: Number(slice?.granted ?? 0), spent: Number(slice?.spent ?? 0) };
  const spent = Math.max(before.spent, used);
  const spentInAll = Number(budget.spent) + spent - before.spent;
  // A row is sent to its end: it may pass what was granted.
  const kept = release || close ? spent : Math.max(before.granted, spent);
  const reserved = Number(budget.reserved) - (before.granted - before.spent) + (kept - spent);
  const free = limit === null ? Number.POSITIVE_INFINITY : Math.max(0, limit - spentInAll - reserved);
  return { grantId, spentInAll, reserved, kept, spent, free };
}

async function store(tx: Transaction, { holder, gateway, close }: BudgetReport, settled: readonly Settled[]) {
  const rows = JSON.stringify(settled);
  await tx.$executeRaw`
    update grant_budgets b set spent = x.spent, reserved = x.reserved
    from jsonb_to_recordset(${rows}::jsonb) as x("grantId" text, dimension text, spent bigint, reserved bigint)
    where b."grantId" = x."grantId" and b.dimension = x.dimension`;
  if (close)
    await tx.$executeRaw`
      delete from budget_slices s
      using jsonb_to_recordset(${rows}::jsonb) as x("grantId" text, dimension text)
      where s."grantId" = x."grantId" and s.dimension = x.dimension and s.holder = ${holder}`;
  else
    await tx.$executeRaw`
      insert into budget_slices ("grantId", dimension, holder, gateway, granted, spent)
      select x."grantId", x.dimension, ${holder}, ${gateway}, x.granted, x.used
      from jsonb_to_recordset(${rows}::jsonb) as x("grantId" text, dimension text, granted bigint, used bigint)
      on conflict ("grantId", dimension, holder)
      do update set granted = excluded.granted, spent = excluded.spent`;
}

/** A budget that a report counts for. */
interface ChainLink {
  readonly grantId: string;
  /** As they are now, policies included; `null`: the reporting grant, which says its own. */
  readonly limits: GrantLimits | null;
}

/** The grant with all above it, the root first. */
async function loadChain(tx: Transaction, grantId: string): Promise<readonly ChainLink[]> {
  const own = await tx.grant.findUnique({ where: { id: grantId }, select: { ancestorIds: true } });
  if (own === null) throw new TaskgateError('bad-input', 'that is a budget of no grant');
  return [...(await loadLimitsAbove(tx, own.ancestorIds)), { grantId, limits: null }];
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
