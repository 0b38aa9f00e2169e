import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { policies } = implementer;

export const policiesRouter = policies.router({
  list: policies.list.handler(() => pending('policies.list')),
  get: policies.get.handler(() => pending('policies.get')),
  revisions: policies.revisions.handler(() => pending('policies.revisions')),
  save: policies.save.handler(() => pending('policies.save')),
  publish: policies.publish.handler(() => pending('policies.publish')),
});
