import { Instant, Outcome, PageQuery } from '@taskgate/contracts';
import type { Prisma } from '@taskgate/db';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { subtreeOf } from '../grants/grant-reach.ts';
import { readCursor, toPage } from '../grants/instant-cursor.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { createFolderRecordingStore } from './recording-store.ts';
import { loadVisibleSession, replayableWhere, visibleSessions } from './session-access.ts';
import { SESSION_SELECT, toSessionRow } from './session-row.ts';
import { type SessionView, toSessionViews } from './to-session-view.ts';

const ListInput = PageQuery.extend({
  person: z.string().max(254).optional(),
  task: z.string().max(63).optional(),
  node: z.string().max(60).optional(),
  resource: z.string().max(63).optional(),
  protocol: z.enum(['postgres', 'console']).optional(),
  outcome: Outcome.optional(),
  live: z.boolean().optional(),
  from: Instant.optional(),
  to: Instant.optional(),
  q: z.string().trim().max(200).optional(),
});
const ById = z.object({ id: z.string().max(60) });

/** Newest first. */
export async function loadSessions(
  ctx: ServiceContext,
  input: z.input<typeof ListInput>,
): Promise<{ items: SessionView[]; nextCursor: string | null }> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read', 'grant:revoke']);
  const filter = parseInput(ListInput, input);
  const after = readCursor(filter.cursor);
  const { db, settings } = ctx.services;
  const where: Prisma.SessionWhereInput[] = [visibleSessions(actor)];
  if (filter.person) where.push({ grant: { identity: personMatches(filter.person) } });
  if (filter.task) where.push({ grant: { task: { name: filter.task } } });
  if (filter.node) where.push({ grant: subtreeOf(filter.node) });
  if (filter.resource) where.push({ grant: { task: { resource: { name: filter.resource } } } });
  if (filter.protocol) where.push({ protocol: filter.protocol });
  if (filter.outcome) where.push({ operations: { some: { outcome: filter.outcome } } });
  if (filter.live !== undefined) where.push({ endedAt: filter.live ? null : { not: null } });
  if (filter.from) where.push({ startedAt: { gte: new Date(filter.from) } });
  if (filter.to) where.push({ startedAt: { lte: new Date(filter.to) } });
  if (filter.q) where.push(await replayableWhere(db, actor), { operations: { some: operationMatches(filter.q) } });
  if (after !== null)
    where.push({ OR: [{ startedAt: { lt: after.at } }, { startedAt: after.at, id: { lt: after.id } }] });
  const rows = await db.session.findMany({
    where: { AND: where },
    orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
    take: filter.limit + 1,
    select: SESSION_SELECT,
  });
  const page = toPage(rows, filter.limit, (row) => ({ at: row.startedAt, id: row.id }));
  const items = await toSessionViews(db, createFolderRecordingStore(settings), actor, page.items.map(toSessionRow));
  return { items, nextCursor: page.nextCursor };
}

export async function loadSession(ctx: ServiceContext, input: z.input<typeof ById>): Promise<SessionView> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read', 'grant:revoke']);
  const { id } = parseInput(ById, input);
  const row = await loadVisibleSession(ctx, actor, id);
  const { db, settings } = ctx.services;
  return (await toSessionViews(db, createFolderRecordingStore(settings), actor, [row]))[0]!;
}

/** Themselves, and the agents that act for them. */
function personMatches(text: string): Prisma.IdentityWhereInput {
  const own: Prisma.IdentityWhereInput[] = [
    { id: text },
    { email: { contains: text, mode: 'insensitive' } },
    { name: { contains: text, mode: 'insensitive' } },
  ];
  return { OR: [...own, { actsFor: { OR: own } }] };
}

/** A relation, with or without its schema, a statement class, or words of a label such as `create table`. */
function operationMatches(text: string): Prisma.OperationRecordWhereInput {
  return {
    OR: [
      { relationNames: { hasSome: text.includes('.') ? [text] : [text, `public.${text}`] } },
      { statementClass: text.toLowerCase() },
      { label: { contains: text, mode: 'insensitive' } },
    ],
  };
}
