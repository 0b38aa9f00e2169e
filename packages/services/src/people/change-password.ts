import { contract } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { hashPassword, verifyPassword } from '@taskgate/identity';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { countAttempts, forgiveAttempts, ownAttemptKeys } from './verify-sign-in.ts';

/** Ends every other sign-in of the person. API tokens stay: they are listed beside it, each to be revoked. */
export async function changePassword(ctx: ServiceContext, input: unknown): Promise<{ changed: true }> {
  const actor = requirePerson(ctx);
  const { current, next } = parseInput(inputOf(contract.people.changePassword), input);
  // A stolen session must not be a place to guess the password at.
  const keys = ownAttemptKeys(actor);
  await countAttempts(ctx.services, keys);
  const { passwordHash } = await ctx.services.db.identity.findUniqueOrThrow({
    where: { id: actor.identityId },
    select: { passwordHash: true },
  });
  if (!(await verifyPassword(passwordHash, new SecretValue(current))).ok)
    throw new TaskgateError('wrong-password', 'the current password is wrong', {
      problems: [{ path: 'current', message: 'this is not your password', position: null }],
    });
  const renewed = await hashPassword(new SecretValue(next));
  await withTransaction(ctx, async (tx) => {
    const at = new Date(ctx.services.clock.now());
    // Only over the hash that was checked: of two changes at once one fails.
    const { count } = await tx.identity.updateMany({
      where: { id: actor.identityId, passwordHash },
      data: { passwordHash: renewed },
    });
    if (count !== 1) throw new TaskgateError('conflict', 'your password was changed meanwhile; sign in again');
    const ended = await tx.webSession.updateMany({
      where: { userId: actor.identityId, endedAt: null, id: { not: actor.viaId } },
      data: { endedAt: at },
    });
    await forgiveAttempts(tx, keys);
    await emitAudit(tx, ctx, {
      action: 'user.change-password',
      subjectKind: 'user',
      subject: actor.identityId,
      before: null,
      after: { endedSessions: ended.count },
    });
  });
  return { changed: true };
}
