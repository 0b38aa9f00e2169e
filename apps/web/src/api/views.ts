import { deleteView, loadViews, saveView } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { views } = implementer;

export const viewsRouter = views.router({
  list: views.list.handler(({ context }) => loadViews(asCaller(context))),
  save: views.save.handler(({ context, input }) => saveView(asCaller(context), input)),
  remove: views.remove.handler(({ context, input }) => deleteView(asCaller(context), input)),
});
