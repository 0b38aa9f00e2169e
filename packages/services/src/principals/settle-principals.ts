import { loadTarget } from '../catalog/stored-catalog.ts';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { activeGrant, requireActiveGrant } from '../gateway/active-grant.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { dropPrincipal, reapPrincipals } from './drop-principal.ts';
import { loadInstallationId } from './installation-id.ts';
import { leasePrincipal, withTarget } from './lease-principal.ts';
import { markOf } from './principal-names.ts';

const MAX_PER_PAGE = 200;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** When a target that could not be settled is tried again; what is lost with the process is tried again anyway. */
interface Wait {
  readonly until: number;
  readonly ms: number;
}
interface Turns {
  readonly waits: Map<string, Wait>;
  /** Targets that a turn of this process is at. */
  readonly busy: Set<string>;
}
const turns = new WeakMap<Services, Turns>();

export interface SettleOptions {
  /** Also brings roles of live grants up to date with policies and catalogs that have changed. */
  readonly resync?: boolean;
  /** Also looks at the targets for roles of ours that the store has no use for. */
  readonly reap?: boolean;
  /** So many grants are asked for at once. */
  readonly pageRows?: number;
}

export interface Settled {
  readonly dropped: number;
  /** False: a target was left out (it cannot be reached, or another turn is at it). */
  readonly complete: boolean;
}

/**
 * Drops the roles of grants that are not active any more. Run by the timer of every gateway, and at once when a grant
 * ends; several may run it at once. A target that cannot be reached keeps its roles, which cannot sign in after their
 * grant's end, until it can.
 */
export async function settlePrincipals(ctx: ServiceContext, options: SettleOptions = {}): Promise<Settled> {
  requireSystem(ctx, 'timer', 'gateway');
  const { db, clock } = ctx.services;
  const { pageRows = MAX_PER_PAGE } = options;
  let dropped = 0;
  const done: boolean[] = [];
  // Of all of them, in pieces: a target that waits keeps none of another's waiting behind its own.
  const left: string[] = [];
  for (;;) {
    const over = await db.principal.findMany({
      where: {
        state: { in: ['making', 'made'] },
        resourceId: { notIn: left },
        OR: [{ grant: { NOT: activeGrant(clock.now()) } }, { grant: { identity: { disabledAt: { not: null } } } }],
      },
      select: { grantId: true, resourceId: true, roleName: true, grant: { select: { identityId: true } } },
      take: pageRows,
    });
    const settled = await Promise.all(
      [...new Set(over.map((row) => row.resourceId))].map(async (resourceId) => {
        const all = await unlessWaiting(ctx, resourceId, async () => {
          await withTarget(ctx, await loadTarget(ctx, resourceId), async (client) => {
            for (const row of over.filter((one) => one.resourceId === resourceId)) {
              await dropPrincipal(client, row.roleName);
              await noteDropped(ctx, row);
              dropped++;
            }
          });
        });
        if (!all) left.push(resourceId);
        return all;
      }),
    );
    done.push(...settled);
    if (over.length < pageRows) break;
  }
  if (options.resync === true) done.push(await resync(ctx, pageRows));
  if (options.reap === true) done.push(await reap(ctx));
  return { dropped, complete: !done.includes(false) };
}

/** Whether a turn that runs is to be followed by another. */
const soon = new WeakMap<Services, { again: boolean }>();

/**
 * For who ends grants, or hears of it: at once, and whether or not a gateway runs. However many end at a time, one turn
 * follows the other. Whatever fails, the timers do again.
 */
export function settlePrincipalsSoon(services: Services): void {
  const running = soon.get(services);
  if (running !== undefined) {
    running.again = true;
    return;
  }
  const turn = { again: true };
  soon.set(services, turn);
  void (async () => {
    try {
      while (turn.again) {
        turn.again = false;
        await settlePrincipals({ services, actor: { kind: 'system', via: 'timer' } });
      }
    } catch (error) {
      services.log.warn('principals could not be settled', { error: error instanceof Error ? error.name : 'unknown' });
    } finally {
      soon.delete(services);
    }
  })();
}

async function noteDropped(
  ctx: ServiceContext,
  row: { readonly grantId: string; readonly roleName: string; readonly grant: { readonly identityId: string } },
): Promise<void> {
  await withTransaction(ctx, async (tx) => {
    const { count } = await tx.principal.updateMany({
      where: { grantId: row.grantId, state: { in: ['making', 'made'] } },
      data: { state: 'dropped', sealed: null, droppedAt: new Date(ctx.services.clock.now()) },
    });
    if (count === 0) return; // another gateway was first
    await emitAudit(tx, ctx, {
      action: 'principal.drop',
      subjectKind: 'grant',
      subject: row.grantId,
      before: { role: row.roleName },
      after: null,
    });
    await notifyChange(tx, { topic: 'grants', id: row.grantId, userId: row.grant.identityId });
  });
}

/** Takes from (and gives to) open sessions what a new policy, label or catalog takes and gives: privileges hold at once. */
async function resync(ctx: ServiceContext, pageRows: number): Promise<boolean> {
  let complete = true;
  const { db, clock } = ctx.services;
  let after: string | null = null;
  // Of all of them, in pieces: whoever were left out would keep what a policy has taken.
  for (;;) {
    const live: { readonly grantId: string; readonly resourceId: string }[] = await db.principal.findMany({
      where: {
        state: 'made',
        grant: activeGrant(clock.now()),
        ...(after === null ? {} : { grantId: { gt: after } }),
      },
      select: { grantId: true, resourceId: true },
      orderBy: { grantId: 'asc' },
      take: pageRows,
    });
    for (const { grantId, resourceId } of live) {
      const done = await unlessWaiting(ctx, resourceId, async () => {
        await leasePrincipal(ctx, await requireActiveGrant(db, grantId, clock.now()));
      });
      complete &&= done;
    }
    if (live.length < pageRows) break;
    after = live.at(-1)!.grantId;
  }
  return complete;
}

async function reap(ctx: ServiceContext): Promise<boolean> {
  let complete = true;
  const { db, clock } = ctx.services;
  const installation = await loadInstallationId(ctx.services);
  const resources = await db.principal.findMany({ distinct: ['resourceId'], select: { resourceId: true } });
  for (const { resourceId } of resources) {
    const done = await unlessWaiting(ctx, resourceId, async () => {
      const stored = await loadTarget(ctx, resourceId);
      const reaped = await withTarget(ctx, stored, (client) =>
        reapPrincipals(client, markOf(installation, resourceId), async (grantIds) => {
          const rows = await db.grant.findMany({ where: { id: { in: [...grantIds] } }, select: { id: true } });
          const live = await db.grant.findMany({
            where: { id: { in: [...grantIds] }, ...activeGrant(clock.now()) },
            select: { id: true },
          });
          const ids = new Set(live.map((row) => row.id));
          return new Map(rows.map((row) => [row.id, ids.has(row.id) ? ('live' as const) : ('ended' as const)]));
        }),
      );
      if (reaped.grantRoles > 0)
        ctx.services.log.warn('roles that no grant needs were dropped', { resource: stored.name, ...reaped });
    });
    complete &&= done;
  }
  return complete;
}

/**
 * What fails is tried again, later each time: neither the timer nor a target that is away is kept busy by the other.
 * False: not done.
 */
async function unlessWaiting(ctx: ServiceContext, resourceId: string, work: () => Promise<void>): Promise<boolean> {
  const { clock, log } = ctx.services;
  const { waits, busy } = turns.get(ctx.services) ?? { waits: new Map<string, Wait>(), busy: new Set<string>() };
  turns.set(ctx.services, { waits, busy });
  const wait = waits.get(resourceId);
  if (busy.has(resourceId) || (wait !== undefined && clock.monotonicMs() < wait.until)) return false;
  busy.add(resourceId);
  try {
    await work();
    waits.delete(resourceId);
    return true;
  } catch (error) {
    const ms = Math.min((wait?.ms ?? FIRST_WAIT_MS / 2) * 2, LONGEST_WAIT_MS);
    waits.set(resourceId, { until: clock.monotonicMs() + ms, ms });
    log.warn('principals at a target could not be settled and will be tried again', {
      resource: resourceId,
      code: error instanceof Error && 'code' in error ? String(error.code) : 'unknown',
    });
    return false;
  } finally {
    busy.delete(resourceId);
  }
}
