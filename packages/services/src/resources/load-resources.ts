import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { readStoredCatalog, storeFreshCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import {
  type CatalogSummaryView,
  RESOURCE_SELECT,
  type ResourceView,
  toCatalogSummary,
  toResourceViews,
} from './resource-view.ts';

export const mayReadTasks = (ctx: ServiceContext): boolean =>
  ctx.actor.kind === 'system' || ctx.actor.scopes.includes('task:read');

export async function loadResources(ctx: ServiceContext): Promise<ResourceView[]> {
  requireScope(ctx, 'resource:read');
  const { db } = ctx.services;
  const rows = await db.resource.findMany({ orderBy: { name: 'asc' }, select: RESOURCE_SELECT });
  return toResourceViews(db, rows, mayReadTasks(ctx));
}

export async function loadResource(ctx: ServiceContext, input: unknown): Promise<ResourceView> {
  requireScope(ctx, 'resource:read');
  const { name } = parseInput(inputOf(contract.resources.get), input);
  const { db } = ctx.services;
  const row = await db.resource.findUnique({ where: { name }, select: RESOURCE_SELECT });
  if (row === null) throw new TaskgateError('not-found', `there is no resource \`${name}\``);
  return (await toResourceViews(db, [row], mayReadTasks(ctx)))[0]!;
}

/** Names of relations and columns; read at the target where that was not done yet. */
export async function loadResourceCatalog(ctx: ServiceContext, input: unknown): Promise<CatalogSummaryView> {
  requireScope(ctx, 'resource:read');
  const { name } = parseInput(inputOf(contract.resources.catalog), input);
  const { db } = ctx.services;
  const row = await db.resource.findUnique({ where: { name }, select: { id: true } });
  if (row === null) throw new TaskgateError('not-found', `there is no resource \`${name}\``);
  return toCatalogSummary((await readStoredCatalog(db, row.id)) ?? (await storeFreshCatalog(ctx, row.id)));
}
