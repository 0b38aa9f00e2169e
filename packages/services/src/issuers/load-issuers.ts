import type { ServiceContext } from '../context.ts';
import { requireScope } from '../require-scope.ts';
import { ISSUER_SELECT, type IssuerView, toIssuerView } from './issuer-view.ts';

/** By name. */
export async function loadIssuers(ctx: ServiceContext): Promise<IssuerView[]> {
  requireScope(ctx, 'people:read');
  const rows = await ctx.services.db.issuer.findMany({ orderBy: { name: 'asc' }, select: ISSUER_SELECT });
  return rows.map(toIssuerView);
}
