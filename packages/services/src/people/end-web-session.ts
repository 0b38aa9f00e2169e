import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';

/** Ends one of the caller's own sign-ins; signing out is ending the current one. */
export async function endWebSession(ctx: ServiceContext, input: unknown): Promise<{ ended: boolean }> {
  const actor = requirePerson(ctx);
  const { id } = parseInput(inputOf(contract.people.endWebSession), input);
  return withTransaction(ctx, async (tx) => {
    const session = await tx.webSession.findFirst({
      where: { id, userId: actor.identityId },
      select: { endedAt: true },
    });
    if (session === null) throw new TaskgateError('not-found', `you have no sign-in \`${id}\``);
    const at = new Date(ctx.services.clock.now());
    const { count } = await tx.webSession.updateMany({ where: { id, endedAt: null }, data: { endedAt: at } });
    if (count === 0) return { ended: false };
    await emitAudit(tx, ctx, {
      action: 'web-session.end',
      subjectKind: 'web-session',
      subject: id,
      before: { endedAt: null },
      after: { endedAt: at },
    });
    return { ended: true };
  });
}
