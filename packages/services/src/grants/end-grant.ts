import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const EndInput = z.object({
  id: z.string().max(60),
  /** `revoked`: its token is not needed, or not trusted, any more; nothing is said of the work. */
  outcome: z.enum(['completed', 'failed', 'revoked']).default('completed'),
  exitCode: z.number().int().min(0).max(255).nullable().default(null),
});

/**
 * Ends a grant with every grant below it and every session under these: one's own that is active has completed or failed,
 * as its owner says (or whoever has a grant above it); what had not started, and anybody else's, is revoked.
 */
export async function endGrant(ctx: ServiceContext, input: z.input<typeof EndInput>): Promise<GrantView> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:revoke'], { grantToken: true });
  const { id, outcome, exitCode } = parseInput(EndInput, input);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockGrantFor(tx, actor, id, 'end', now);
    const own = before.ownerIds.includes(actor.identityId) && actor.scopes.includes('grant:request');
    const kind =
      !own || before.state !== 'active' || outcome === 'revoked'
        ? 'revoke'
        : outcome === 'failed'
          ? 'fail'
          : 'complete';
    const after = await changeGrant(
      tx,
      ctx,
      before,
      { kind, by: actor.identityId },
      {
        now,
        action: `grant.${kind}`,
        also: { endedById: actor.identityId, ...(kind === 'revoke' ? {} : { exitCode }) },
      },
    );
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
