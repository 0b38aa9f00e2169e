import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { resources } = implementer;

export const resourcesRouter = resources.router({
  list: resources.list.handler(() => pending('resources.list')),
  get: resources.get.handler(() => pending('resources.get')),
  create: resources.create.handler(() => pending('resources.create')),
  update: resources.update.handler(() => pending('resources.update')),
  test: resources.test.handler(() => pending('resources.test')),
  catalog: resources.catalog.handler(() => pending('resources.catalog')),
  refreshCatalog: resources.refreshCatalog.handler(() => pending('resources.refreshCatalog')),
});
