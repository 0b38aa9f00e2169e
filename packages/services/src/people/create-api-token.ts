import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireUser } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { type ApiTokenView, toApiTokenView } from './api-token-view.ts';
import { issueApiToken } from './issue-api-token.ts';

const MAX_STANDING = 50;

/** A token with at most the caller's scopes, and made by a token, at most until that one ends. */
export async function createApiToken(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ apiToken: ApiTokenView; token: string }> {
  const actor = requireUser(ctx);
  const { name, scopes, ttlMs } = parseInput(inputOf(contract.people.createApiToken), input);
  const beyond = scopes.find((scope) => !actor.scopes.includes(scope));
  if (beyond !== undefined)
    throw new TaskgateError('forbidden', `a token cannot have the scope \`${beyond}\`, which you do not have`);
  if (scopes.includes('people:write') && actor.scopes.some((scope) => !scopes.includes(scope)))
    throw new TaskgateError(
      'bad-input',
      'with `people:write` a token could make a person who has every scope; give it all of yours, or leave that one out',
    );
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    await tx.$queryRaw`SELECT id FROM users WHERE id = ${actor.userId} FOR UPDATE`;
    const standing = { userId: actor.userId, revokedAt: null, expiresAt: { gt: new Date(now) } };
    if ((await tx.apiToken.count({ where: standing })) >= MAX_STANDING)
      throw new TaskgateError('rate-limited', `you have ${MAX_STANDING} tokens; revoke some first`);
    let expiresAt = new Date(now + ttlMs);
    if (actor.via === 'api-token') {
      const parent = await tx.apiToken.findFirst({
        where: { ...standing, id: actor.viaId },
        select: { expiresAt: true },
      });
      if (!parent) throw new TaskgateError('not-signed-in', 'the token you came with has ended');
      if (parent.expiresAt < expiresAt) expiresAt = parent.expiresAt;
    }
    const { row, token } = await issueApiToken(tx, ctx, { userId: actor.userId, name, scopes, expiresAt });
    return { apiToken: toApiTokenView(row), token: token.reveal((text) => text) };
  });
}
