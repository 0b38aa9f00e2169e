import { createId } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const ApproveGrantInput = z.object({
  id: z.string().max(60),
  /** Shorter than asked, or `null` for as asked. */
  ttlMs: z.number().int().min(10_000).nullable().default(null),
  comment: z.string().trim().max(500).nullable().default(null),
});

/** One yes to a request; the last one needed approves it. */
export async function approveGrant(ctx: ServiceContext, input: z.input<typeof ApproveGrantInput>): Promise<GrantView> {
  const actor = requirePerson(ctx, 'grant:review');
  const { id, ttlMs, comment } = parseInput(ApproveGrantInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockGrantFor(tx, actor, id, 'approve', now);
    const after = await changeGrant(
      tx,
      ctx,
      before,
      { kind: 'approve', by: actor.identityId, ttlMs },
      {
        now,
        action: 'grant.approve',
        answer: {
          id: createId('apr', now, ctx.services.randomBytes),
          grantId: id,
          userId: actor.identityId,
          outcome: 'approved',
          comment,
          ttlMs,
          at: new Date(now),
        },
      },
    );
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
