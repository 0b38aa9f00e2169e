import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const ById = z.object({ id: z.string().max(60) });

/** Ends a grant and every session under it: one's own is completed, anybody else's revoked. */
export async function endGrant(ctx: ServiceContext, input: z.input<typeof ById>): Promise<GrantView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:revoke']);
  const { id } = parseInput(ById, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockGrantFor(tx, actor, id, 'end', now);
    const completes = before.identityId === actor.identityId && actor.scopes.includes('grant:request');
    const after = await changeGrant(
      tx,
      ctx,
      before,
      completes ? { kind: 'complete', by: actor.identityId } : { kind: 'revoke', by: actor.identityId },
      { now, action: completes ? 'grant.complete' : 'grant.revoke', also: { endedById: actor.identityId } },
    );
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
