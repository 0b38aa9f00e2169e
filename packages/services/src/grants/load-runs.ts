import { GrantState, PageQuery, type Run } from '@taskgate/contracts';
import type { Database } from '@taskgate/db';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { GRANT_SELECT } from './grant-row.ts';
import { readCursor, toPage } from './instant-cursor.ts';
import { toGrantViews } from './to-grant-view.ts';
import { visibleGrants } from './visible-grants.ts';

export type RunView = z.infer<typeof Run>;
type Counts = Omit<RunView, 'grant'>;

const ListInput = PageQuery.extend({
  mine: z.boolean().optional(),
  state: GrantState.optional(),
  of: z.string().trim().max(63).optional(),
});

/** The trees whose root the caller may see, newest first: of workflows, and of tasks with a grant below. */
export async function loadRuns(
  ctx: ServiceContext,
  input: z.input<typeof ListInput>,
): Promise<{ items: RunView[]; nextCursor: string | null }> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'grant:revoke', 'session:read']);
  const { cursor, limit, mine, state, of } = parseInput(ListInput, input);
  const after = readCursor(cursor);
  const { db, clock } = ctx.services;
  const rows = await db.grant.findMany({
    where: {
      AND: [
        { parentId: null, OR: [{ workflowId: { not: null } }, { children: { some: {} } }] },
        visibleGrants(actor),
        mine ? { identityId: actor.identityId } : {},
        state === undefined ? {} : { state },
        of ? { OR: [{ task: { name: { contains: of } } }, { workflow: { name: { contains: of } } }] } : {},
        after === null
          ? {}
          : { OR: [{ requestedAt: { lt: after.at } }, { requestedAt: after.at, id: { lt: after.id } }] },
      ],
    },
    orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
    select: GRANT_SELECT,
  });
  const page = toPage(rows, limit, (row) => ({ at: row.requestedAt, id: row.id }));
  const countsOf = await countRuns(
    db,
    actor,
    page.items.map(({ id }) => id),
  );
  const grants = await toGrantViews(db, actor, page.items, clock.now());
  return { items: grants.map((grant) => ({ grant, ...countsOf(grant.id) })), nextCursor: page.nextCursor };
}

/** Of the grants of each tree that the caller may see: a list tells no more than the tree itself. */
async function countRuns(
  db: Database,
  actor: IdentityActor,
  rootIds: readonly string[],
): Promise<(rootId: string) => Counts> {
  const visible = await db.grant.findMany({
    where: { AND: [{ rootId: { in: [...rootIds] } }, visibleGrants(actor)] },
    select: { id: true, rootId: true, state: true, endReason: true },
  });
  const sums = await db.session.groupBy({
    by: ['grantId'],
    where: { grantId: { in: visible.map(({ id }) => id) } },
    _count: { _all: true, endedAt: true },
    _sum: { operationCount: true, deniedCount: true, heldCount: true },
  });
  const sumOf = new Map(sums.map((sum) => [sum.grantId, sum]));
  return (rootId) => {
    const grants = visible.filter((grant) => grant.rootId === rootId);
    const counts = {
      grants: {
        total: grants.length,
        live: grants.filter(({ state }) => state === 'active').length,
        failed: grants.filter(({ endReason }) => endReason === 'failed').length,
      },
      sessions: { total: 0, live: 0 },
      operations: { allow: 0, deny: 0, hold: 0 },
    };
    for (const { id } of grants) {
      const sum = sumOf.get(id);
      if (sum === undefined) continue;
      const [denied, held] = [sum._sum.deniedCount ?? 0, sum._sum.heldCount ?? 0];
      counts.sessions.total += sum._count._all;
      counts.sessions.live += sum._count._all - sum._count.endedAt;
      counts.operations.allow += (sum._sum.operationCount ?? 0) - denied - held;
      counts.operations.deny += denied;
      counts.operations.hold += held;
    }
    return counts;
  };
}
