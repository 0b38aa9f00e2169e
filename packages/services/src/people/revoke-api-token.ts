import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { API_TOKEN_SELECT, type ApiTokenView, toApiTokenView } from './api-token-view.ts';
import { labelOf } from './user-view.ts';

/** One's own, or anybody's with `people:write`; by a token without that, only itself. Done again it changes nothing. */
export async function revokeApiToken(ctx: ServiceContext, input: unknown): Promise<ApiTokenView> {
  const actor = requirePerson(ctx);
  const { id } = parseInput(inputOf(contract.people.revokeApiToken), input);
  const mayAll = actor.scopes.includes('people:write');
  if (actor.via === 'api-token' && !mayAll && id !== actor.viaId)
    throw new TaskgateError('forbidden', 'a token revokes only itself; sign in to the web to revoke others');
  return withTransaction(ctx, async (tx) => {
    const where = mayAll ? { id } : { id, identityId: actor.identityId };
    const before = await tx.apiToken.findFirst({ where, select: API_TOKEN_SELECT });
    if (before === null) throw new TaskgateError('not-found', `there is no token \`${id}\``);
    if (before.revokedAt !== null) return toApiTokenView(before);
    const revokedAt = new Date(ctx.services.clock.now());
    const after = await tx.apiToken.update({ where: { id }, data: { revokedAt }, select: API_TOKEN_SELECT });
    await emitAudit(tx, ctx, {
      action: 'api-token.revoke',
      subjectKind: 'api-token',
      subject: id,
      before: { name: before.name, owner: labelOf(before.identity), revokedAt: null },
      after: { name: before.name, owner: labelOf(before.identity), revokedAt },
    });
    await notifyChange(tx, { topic: 'people', id: before.identityId, userId: before.identityId });
    return toApiTokenView(after);
  });
}
