import { type SavedView, SavedViewInput } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { withTransaction } from '../with-transaction.ts';

export type SavedViewRow = z.infer<typeof SavedView>;

const MAX_VIEWS = 100;
const ById = z.object({ id: z.string().max(60) });
const SELECT = { id: true, page: true, name: true, search: true } as const;

/** The caller's own, by name. What one shows is asked for anew: a view gives nobody a right. */
export async function loadViews(ctx: ServiceContext): Promise<SavedViewRow[]> {
  const { identityId: userId } = requireAnyScope(ctx, ['session:own', 'session:read']);
  const rows = await ctx.services.db.savedView.findMany({
    where: { userId },
    select: SELECT,
    orderBy: { name: 'asc' },
  });
  return rows as SavedViewRow[];
}

/** Under a name that is taken, the view is replaced. */
export async function saveView(ctx: ServiceContext, input: z.input<typeof SavedViewInput>): Promise<SavedViewRow> {
  const { identityId: userId } = requireAnyScope(ctx, ['session:own', 'session:read']);
  const { page, name, search } = parseInput(SavedViewInput, input);
  return withTransaction(ctx, async (tx) => {
    const key = { userId_page_name: { userId, page, name } };
    const before = await tx.savedView.findUnique({ where: key, select: SELECT });
    if (before === null && (await tx.savedView.count({ where: { userId } })) >= MAX_VIEWS)
      throw new TaskgateError('conflict', `you have ${MAX_VIEWS} saved views; delete one first`);
    const view = await tx.savedView.upsert({
      where: key,
      create: { id: newId(ctx.services, 'viw'), userId, page, name, search },
      update: { search },
      select: SELECT,
    });
    await emitAudit(tx, ctx, { action: 'view.save', subjectKind: 'view', subject: view.id, before, after: view });
    return view as SavedViewRow;
  });
}

export async function deleteView(ctx: ServiceContext, input: z.input<typeof ById>): Promise<{ id: string }> {
  const { identityId: userId } = requireAnyScope(ctx, ['session:own', 'session:read']);
  const { id } = parseInput(ById, input);
  return withTransaction(ctx, async (tx) => {
    const before = await tx.savedView.findFirst({ where: { id, userId }, select: SELECT });
    if (before === null) throw new TaskgateError('not-found', 'you have no such view');
    await tx.savedView.delete({ where: { id } });
    await emitAudit(tx, ctx, { action: 'view.delete', subjectKind: 'view', subject: id, before, after: null });
    return { id };
  });
}
