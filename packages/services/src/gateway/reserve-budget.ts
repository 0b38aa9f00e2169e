import { BUDGET_DIMENSIONS, type BudgetDimension, type GrantLimits, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { GRANT_SELECT } from '../grants/grant-row.ts';
import { loadSubject } from '../grants/grant-subject.ts';
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
    const granted: BudgetGrantedLine[] = [];
    for (const line of lines) {
      const one = await reserveLine(tx, report, line, chain);
      if (one !== null) granted.push(one);
    }
    return granted;
  });
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
  if (own.ancestorIds.length === 0) return [{ grantId, limits: null }];
  const above = await tx.grant.findMany({
    where: { id: { in: own.ancestorIds } },
    select: GRANT_SELECT,
    orderBy: { depth: 'asc' },
  });
  const chain: ChainLink[] = [];
  // A policy of a moment ago narrows what is left above, too.
  for (const row of above) chain.push({ grantId: row.id, limits: (await loadSubject(tx, row)).terms.limits });
  return [...chain, { grantId, limits: null }];
}

const LIMIT_OF = { rows: 'rows', bytes: 'bytes', statements: 'statements', duration: 'durationMs' } as const;

async function reserveLine(
  tx: Transaction,
  { grantId: reporting, holder, gateway, close }: BudgetReport,
  { dimension, limit: ownLimit, used, want, release }: BudgetReportLine,
  chain: readonly ChainLink[],
): Promise<BudgetGrantedLine | null> {
  const states: { grantId: string; spentInAll: number; reserved: number; kept: number; spent: number; free: number }[] =
    [];
  for (const { grantId, limits } of chain) {
    const limit = limits === null ? ownLimit : limits[LIMIT_OF[dimension]];
    const [budget] = await tx.$queryRaw<{ spent: bigint; reserved: bigint }[]>`
      insert into grant_budgets ("grantId", dimension, "limit")
      values (${grantId}, ${dimension}, ${limit === null ? null : BigInt(limit)}::bigint)
      on conflict ("grantId", dimension) do update set "limit" = excluded."limit"
      returning spent, reserved`;
    const [slice] = await tx.$queryRaw<{ granted: bigint; spent: bigint }[]>`
      select granted, spent from budget_slices
      where "grantId" = ${grantId} and dimension = ${dimension} and holder = ${holder}`;
    // Closed before, by a report whose answer was lost.
    if (slice === undefined && close) continue;
    const before = { granted: Number(slice?.granted ?? 0), spent: Number(slice?.spent ?? 0) };
    const spent = Math.max(before.spent, used);
    const spentInAll = Number(budget!.spent) + spent - before.spent;
    // A row is sent to its end: it may pass what was granted.
    const kept = release || close ? spent : Math.max(before.granted, spent);
    const reserved = Number(budget!.reserved) - (before.granted - before.spent) + (kept - spent);
    const free = limit === null ? Number.POSITIVE_INFINITY : Math.max(0, limit - spentInAll - reserved);
    states.push({ grantId, spentInAll, reserved, kept, spent, free });
  }
  const own = states.find(({ grantId }) => grantId === reporting);
  if (own === undefined) return null;
  const tightest = Math.min(...states.map(({ free }) => free));
  // Counted, not limited: there is nothing to reserve.
  const left = Number.isFinite(tightest) ? tightest : 0;
  const more = close ? 0 : Math.min(left, want, Math.max(SMALLEST[dimension], Math.ceil(left / SHARE)));
  for (const { grantId, spentInAll, reserved, kept, spent } of states) {
    await tx.$executeRaw`
      update grant_budgets set spent = ${BigInt(spentInAll)}::bigint, reserved = ${BigInt(reserved + more)}::bigint
      where "grantId" = ${grantId} and dimension = ${dimension}`;
    if (close)
      await tx.$executeRaw`
        delete from budget_slices
        where "grantId" = ${grantId} and dimension = ${dimension} and holder = ${holder}`;
    else
      await tx.$executeRaw`
        insert into budget_slices ("grantId", dimension, holder, gateway, granted, spent)
        values (${grantId}, ${dimension}, ${holder}, ${gateway}, ${BigInt(kept + more)}::bigint, ${BigInt(spent)}::bigint)
        on conflict ("grantId", dimension, holder)
        do update set granted = excluded.granted, spent = excluded.spent`;
  }
  return { dimension, granted: own.kept + more, left: left - more };
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
