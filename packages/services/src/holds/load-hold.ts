import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { isVisibleHold } from './hold-actions.ts';
import { HOLD_SELECT, toHoldRow } from './hold-row.ts';
import { loadHoldViews } from './load-hold-views.ts';
import type { HoldView } from './to-hold-view.ts';

const ById = z.object({ id: z.string().max(60) });

export async function loadHold(ctx: ServiceContext, input: z.input<typeof ById>): Promise<HoldView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'session:read']);
  const { id } = parseInput(ById, input);
  const stored = await ctx.services.db.hold.findUnique({ where: { id }, select: HOLD_SELECT });
  const row = stored && toHoldRow(stored);
  if (row === null || !isVisibleHold(actor, row)) throw new TaskgateError('not-found', `there is no hold \`${id}\``);
  return (await loadHoldViews(ctx, actor, [row]))[0]!;
}
