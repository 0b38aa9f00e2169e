import { GrantState, PageQuery, Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { GRANT_SELECT } from './grant-row.ts';
import { readCursor, toPage } from './instant-cursor.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';
import { isVisibleGrant, visibleGrants } from './visible-grants.ts';

const ListInput = PageQuery.extend({
  mine: z.boolean().optional(),
  state: GrantState.optional(),
  task: Slug.optional(),
});
const ById = z.object({ id: z.string().max(60) });

/** Newest first. */
export async function loadGrants(
  ctx: ServiceContext,
  input: z.input<typeof ListInput>,
): Promise<{ items: GrantView[]; nextCursor: string | null }> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'grant:revoke', 'session:read'], {
    grantToken: true,
  });
  const { cursor, limit, mine, state, task } = parseInput(ListInput, input);
  const after = readCursor(cursor);
  const { db, clock } = ctx.services;
  const rows = await db.grant.findMany({
    where: {
      AND: [
        visibleGrants(actor),
        mine ? { identityId: actor.identityId } : {},
        state === undefined ? {} : { state },
        task === undefined ? {} : { OR: [{ task: { name: task } }, { workflow: { name: task } }] },
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
  return { items: await toGrantViews(db, actor, page.items, clock.now()), nextCursor: page.nextCursor };
}

export async function loadGrant(ctx: ServiceContext, input: z.input<typeof ById>): Promise<GrantView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'grant:revoke', 'session:read'], {
    grantToken: true,
  });
  const { id } = parseInput(ById, input);
  const { db, clock } = ctx.services;
  const row = await db.grant.findUnique({ where: { id }, select: GRANT_SELECT });
  if (row === null || !isVisibleGrant(actor, row)) throw new TaskgateError('not-found', `there is no grant \`${id}\``);
  return (await toGrantViews(db, actor, [row], clock.now()))[0]!;
}
