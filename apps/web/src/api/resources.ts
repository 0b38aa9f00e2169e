import {
  createResource,
  loadResource,
  loadResourceCatalog,
  loadResources,
  refreshCatalog,
  rotateCredential,
  testResource,
  updateResource,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { resources } = implementer;

export const resourcesRouter = resources.router({
  list: resources.list.handler(({ context }) => loadResources(asCaller(context))),
  get: resources.get.handler(({ context, input }) => loadResource(asCaller(context), input)),
  create: resources.create.handler(({ context, input }) => createResource(asCaller(context), input)),
  update: resources.update.handler(({ context, input }) => updateResource(asCaller(context), input)),
  test: resources.test.handler(({ context, input }) => testResource(asCaller(context), input)),
  rotate: resources.rotate.handler(({ context, input }) => rotateCredential(asCaller(context), input)),
  catalog: resources.catalog.handler(({ context, input }) => loadResourceCatalog(asCaller(context), input)),
  refreshCatalog: resources.refreshCatalog.handler(({ context, input }) => refreshCatalog(asCaller(context), input)),
});
