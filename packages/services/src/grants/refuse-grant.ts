import { ShortText } from '@taskgate/contracts';
import { createId } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const RefuseGrantInput = z.object({ id: z.string().max(60), reason: ShortText });

/** One no ends a request, whoever else said yes. */
export async function refuseGrant(ctx: ServiceContext, input: z.input<typeof RefuseGrantInput>): Promise<GrantView> {
  const caller = requirePerson(ctx, 'grant:review');
  const { id, reason } = parseInput(RefuseGrantInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:review');
    const before = await lockGrantFor(tx, actor, id, 'refuse', now);
    const after = await changeGrant(
      tx,
      ctx,
      before,
      { kind: 'refuse', by: actor.identityId },
      {
        now,
        action: 'grant.refuse',
        also: { endedById: actor.identityId },
        answer: {
          id: createId('apr', now, ctx.services.randomBytes),
          grantId: id,
          userId: actor.identityId,
          outcome: 'refused',
          comment: reason,
          ttlMs: null,
          at: new Date(now),
        },
      },
    );
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
