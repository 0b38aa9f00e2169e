import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { storeFreshCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { type CatalogSummaryView, toCatalogSummary } from './resource-view.ts';

/** Reads the catalog at the target now. Its audit row is written with the version that it changes. */
export async function refreshCatalog(ctx: ServiceContext, input: unknown): Promise<CatalogSummaryView> {
  requireScope(ctx, 'resource:write');
  const { name } = parseInput(inputOf(contract.resources.refreshCatalog), input);
  const row = await ctx.services.db.resource.findUnique({ where: { name }, select: { id: true } });
  if (row === null) throw new TaskgateError('not-found', `there is no resource \`${name}\``);
  return toCatalogSummary(await storeFreshCatalog(ctx, row.id));
}
