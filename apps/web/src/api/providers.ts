import {
  createProvider,
  loadProvider,
  loadProviders,
  mapProviderGroups,
  removeProvider,
  settlePrincipalsSoon,
  testProvider,
  unlinkPerson,
  updateProvider,
} from '@taskgate/services';
import { asCaller, type CallContext, implementer } from './implementer.ts';

const { providers } = implementer;

/** What may end grants leaves roles at the targets that are nobody's. */
async function settling<T>(context: CallContext, work: Promise<T>): Promise<T> {
  const answer = await work;
  settlePrincipalsSoon(context.services);
  return answer;
}

export const providersRouter = providers.router({
  list: providers.list.handler(({ context }) => loadProviders(asCaller(context))),
  get: providers.get.handler(({ context, input }) => loadProvider(asCaller(context), input)),
  create: providers.create.handler(({ context, input }) => createProvider(asCaller(context), input)),
  update: providers.update.handler(({ context, input }) => settling(context, updateProvider(asCaller(context), input))),
  remove: providers.remove.handler(({ context, input }) => settling(context, removeProvider(asCaller(context), input))),
  test: providers.test.handler(({ context, input }) => testProvider(asCaller(context), input)),
  mapGroups: providers.mapGroups.handler(({ context, input }) =>
    settling(context, mapProviderGroups(asCaller(context), input)),
  ),
  unlink: providers.unlink.handler(({ context, input }) => settling(context, unlinkPerson(asCaller(context), input))),
});
