import { isToken } from '@taskgate/identity';
import type { Services } from '../context.ts';
import { endGrant } from '../grants/end-grant.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { authenticateGrantToken } from '../people/authenticate-grant-token.ts';
import { revokeApiToken } from '../people/revoke-api-token.ts';

/**
 * Ends what a token stands for (RFC 7009): an API token, or a grant with all below it. Whoever has the token may; a token
 * that is not valid is revoked already. That says nothing of the work: a step that is revoked has not completed.
 */
export async function revokeToken(services: Services, token: string): Promise<void> {
  if (isToken(token, 'grant')) {
    const actor = await authenticateGrantToken(services, token);
    if (actor !== null) await endGrant({ services, actor }, { id: actor.viaId, outcome: 'revoked' });
    return;
  }
  const actor = await authenticateApiToken(services, token);
  if (actor !== null) await revokeApiToken({ services, actor }, { id: actor.viaId });
}
