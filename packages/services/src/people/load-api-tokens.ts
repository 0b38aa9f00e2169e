import type { ServiceContext } from '../context.ts';
import { requirePerson } from '../require-scope.ts';
import { API_TOKEN_SELECT, type ApiTokenView, toApiTokenView } from './api-token-view.ts';

const MAX_TOKENS = 500;

/** The caller's own; everybody's for who may change people, who may also revoke them. The newest first. */
export async function loadApiTokens(ctx: ServiceContext): Promise<ApiTokenView[]> {
  const actor = requirePerson(ctx);
  const rows = await ctx.services.db.apiToken.findMany({
    where: actor.scopes.includes('people:write') ? {} : { identityId: actor.identityId },
    orderBy: { createdAt: 'desc' },
    take: MAX_TOKENS,
    select: API_TOKEN_SELECT,
  });
  return rows.map(toApiTokenView);
}
