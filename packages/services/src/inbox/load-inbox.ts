import { PageQuery } from '@taskgate/contracts';
import type { Prisma } from '@taskgate/db';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { GRANT_SELECT } from '../grants/grant-row.ts';
import { readCursor, toPage } from '../grants/instant-cursor.ts';
import { type GrantView, toGrantViews } from '../grants/to-grant-view.ts';
import { visibleGrants } from '../grants/visible-grants.ts';
import { HOLD_SELECT, toHoldRow } from '../holds/hold-row.ts';
import { loadHoldViews } from '../holds/load-hold-views.ts';
import type { HoldView } from '../holds/to-hold-view.ts';
import { visibleHolds } from '../holds/visible-holds.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';

const InboxInput = PageQuery.extend({ view: z.enum(['mine', 'waiting', 'done']).default('mine') });
type View = z.output<typeof InboxInput>['view'];

export type InboxItemView =
  | { kind: 'grant'; id: string; at: string; grant: GrantView }
  | { kind: 'hold'; id: string; at: string; hold: HoldView };

/**
 * Requests and held statements in one list, newest first: those that the caller can decide (`mine`), those of theirs
 * that wait on others (`waiting`), and those that were decided or ended (`done`), as far as they may see them.
 */
export async function loadInbox(
  ctx: ServiceContext,
  input: z.input<typeof InboxInput>,
): Promise<{ items: InboxItemView[]; nextCursor: string | null; counts: { mine: number; waiting: number } }> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'grant:revoke', 'session:read']);
  const { cursor, limit, view } = parseInput(InboxInput, input);
  const after = readCursor(cursor);
  const { db, clock } = ctx.services;
  const now = clock.now();
  const [grants, holds, mine, waiting] = await Promise.all([
    db.grant.findMany({
      where: {
        AND: [
          grantsOf(view, actor, now),
          after === null
            ? {}
            : { OR: [{ requestedAt: { lt: after.at } }, { requestedAt: after.at, id: { lt: after.id } }] },
        ],
      },
      orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
      select: GRANT_SELECT,
    }),
    db.hold.findMany({
      where: {
        AND: [
          holdsOf(view, actor, now),
          after === null
            ? {}
            : { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] },
        ],
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
      select: HOLD_SELECT,
    }),
    count(ctx, 'mine', actor, now),
    count(ctx, 'waiting', actor, now),
  ]);
  const merged = [
    ...grants.map((grant) => ({ kind: 'grant' as const, id: grant.id, at: grant.requestedAt, grant })),
    ...holds.map((hold) => ({ kind: 'hold' as const, id: hold.id, at: hold.createdAt, hold })),
  ].sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1));
  const page = toPage(merged, limit, ({ at, id }) => ({ at, id }));
  const [grantViews, holdViews] = await Promise.all([
    toGrantViews(
      db,
      actor,
      page.items.flatMap((item) => (item.kind === 'grant' ? [item.grant] : [])),
      now,
    ),
    loadHoldViews(
      ctx,
      actor,
      page.items.flatMap((item) => (item.kind === 'hold' ? [toHoldRow(item.hold)] : [])),
    ),
  ]);
  const grantOf = new Map(grantViews.map((grant) => [grant.id, grant]));
  const holdOf = new Map(holdViews.map((hold) => [hold.id, hold]));
  const items = page.items.map((item): InboxItemView => {
    const at = item.at.toISOString();
    return item.kind === 'grant'
      ? { kind: 'grant', id: item.id, at, grant: grantOf.get(item.id)! }
      : { kind: 'hold', id: item.id, at, hold: holdOf.get(item.id)! };
  });
  return { items, nextCursor: page.nextCursor, counts: { mine, waiting } };
}

async function count(ctx: ServiceContext, view: View, actor: IdentityActor, now: number): Promise<number> {
  const { db } = ctx.services;
  const [grants, holds] = await Promise.all([
    db.grant.count({ where: grantsOf(view, actor, now) }),
    db.hold.count({ where: holdsOf(view, actor, now) }),
  ]);
  return grants + holds;
}

const NOTHING = { id: { in: [] as string[] } };

function grantsOf(view: View, actor: IdentityActor, now: number): Prisma.GrantWhereInput {
  switch (view) {
    case 'mine':
      if (!actor.scopes.includes('grant:review')) return NOTHING;
      return {
        state: 'requested',
        requestExpiresAt: { gt: new Date(now) },
        NOT: { authorityIds: { has: actor.identityId } },
        approverGroups: { hasSome: [...actor.groups] },
        approvals: { none: { userId: actor.identityId } },
      };
    case 'waiting':
      if (!actor.scopes.includes('grant:request')) return NOTHING;
      return { state: 'requested', requestExpiresAt: { gt: new Date(now) }, ownerIds: { has: actor.identityId } };
    case 'done':
      // Grants that needed nobody's yes were never in anybody's inbox.
      return { AND: [visibleGrants(actor), { state: { not: 'requested' }, approvalsNeeded: { gt: 0 } }] };
  }
}

function holdsOf(view: View, actor: IdentityActor, now: number): Prisma.HoldWhereInput {
  switch (view) {
    case 'mine':
      if (!actor.scopes.includes('grant:review')) return NOTHING;
      return {
        state: 'waiting',
        expiresAt: { gt: new Date(now) },
        grant: { NOT: { authorityIds: { has: actor.identityId } } },
        approverGroups: { hasSome: [...actor.groups] },
        approvals: { none: { userId: actor.identityId } },
      };
    case 'waiting':
      if (!actor.scopes.includes('grant:request')) return NOTHING;
      return { state: 'waiting', expiresAt: { gt: new Date(now) }, grant: { ownerIds: { has: actor.identityId } } };
    case 'done':
      return { AND: [visibleHolds(actor), { state: { not: 'waiting' } }] };
  }
}
