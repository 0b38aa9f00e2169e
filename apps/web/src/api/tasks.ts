import {
  loadTask,
  loadTaskPrincipal,
  loadTaskRevisions,
  loadTasks,
  loadTaskUsage,
  publishTask,
  saveTask,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { tasks } = implementer;

export const tasksRouter = tasks.router({
  list: tasks.list.handler(({ context }) => loadTasks(asCaller(context))),
  get: tasks.get.handler(({ context, input }) => loadTask(asCaller(context), input)),
  principal: tasks.principal.handler(({ context, input }) => loadTaskPrincipal(asCaller(context), input)),
  revisions: tasks.revisions.handler(({ context, input }) => loadTaskRevisions(asCaller(context), input)),
  save: tasks.save.handler(({ context, input }) => saveTask(asCaller(context), input)),
  usage: tasks.usage.handler(({ context, input }) => loadTaskUsage(asCaller(context), input)),
  publish: tasks.publish.handler(({ context, input }) => publishTask(asCaller(context), input)),
});
