import { contract } from '@taskgate/contracts';
import type { ServiceContext, Services } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { findProvider, PROVIDER_SELECT, type ProviderView, toProviderView } from './provider-row.ts';

export async function loadProviders(ctx: ServiceContext): Promise<ProviderView[]> {
  requireScope(ctx, 'people:read');
  const { db } = ctx.services;
  const rows = await db.signInProvider.findMany({ orderBy: { name: 'asc' }, select: PROVIDER_SELECT });
  return Promise.all(rows.map((row) => toProviderView(db, ctx.services, row)));
}

export async function loadProvider(ctx: ServiceContext, input: unknown): Promise<ProviderView> {
  requireScope(ctx, 'people:read');
  const { name } = parseInput(inputOf(contract.providers.get), input);
  return toProviderView(ctx.services.db, ctx.services, await findProvider(ctx.services.db, name));
}

/** What the sign-in page offers to anybody: names and titles of the providers that are enabled. */
export async function loadSignInChoices(
  services: Services,
): Promise<readonly { readonly name: string; readonly title: string }[]> {
  return services.db.signInProvider.findMany({
    where: { enabled: true },
    select: { name: true, title: true },
    orderBy: { title: 'asc' },
  });
}
