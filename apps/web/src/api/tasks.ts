import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { tasks } = implementer;

export const tasksRouter = tasks.router({
  list: tasks.list.handler(() => pending('tasks.list')),
  get: tasks.get.handler(() => pending('tasks.get')),
  revisions: tasks.revisions.handler(() => pending('tasks.revisions')),
  save: tasks.save.handler(() => pending('tasks.save')),
  publish: tasks.publish.handler(() => pending('tasks.publish')),
});
