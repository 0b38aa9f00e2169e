import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { type ApiTokenView, toApiTokenView } from './api-token-view.ts';
import { issueApiToken } from './issue-api-token.ts';

const MAX_STANDING = 50;

/**
 * A token with at most the caller's scopes. Only a sign-in makes one: a token that makes tokens would outlive its own
 * revocation in them, and whoever stole it with it.
 */
export async function createApiToken(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ apiToken: ApiTokenView; token: string }> {
  const actor = requirePerson(ctx);
  if (actor.via !== 'session')
    throw new TaskgateError('forbidden', 'a token cannot make tokens; sign in to the web and make one there');
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
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${actor.identityId} FOR UPDATE`;
    // Signed out everywhere, or disabled, since this request began: a token made now would outlive that.
    const ended = await tx.webSession.count({ where: { id: actor.viaId, endedAt: { not: null } } });
    const enabled = await tx.identity.count({ where: { id: actor.identityId, disabledAt: null } });
    if (ended > 0 || enabled === 0) throw new TaskgateError('not-signed-in', 'your sign-in has ended; sign in again');
    const standing = { identityId: actor.identityId, revokedAt: null, expiresAt: { gt: new Date(now) } };
    if ((await tx.apiToken.count({ where: standing })) >= MAX_STANDING)
      throw new TaskgateError('rate-limited', `you have ${MAX_STANDING} tokens; revoke some first`);
    const expiresAt = new Date(now + ttlMs);
    const { row, token } = await issueApiToken(tx, ctx, { identityId: actor.identityId, name, scopes, expiresAt });
    return { apiToken: toApiTokenView(row), token: token.reveal((text) => text) };
  });
}
