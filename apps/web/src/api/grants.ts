import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { grants } = implementer;

export const grantsRouter = grants.router({
  list: grants.list.handler(() => pending('grants.list')),
  get: grants.get.handler(() => pending('grants.get')),
  request: grants.request.handler(() => pending('grants.request')),
  approve: grants.approve.handler(() => pending('grants.approve')),
  refuse: grants.refuse.handler(() => pending('grants.refuse')),
  activate: grants.activate.handler(() => pending('grants.activate')),
  end: grants.end.handler(() => pending('grants.end')),
  connect: grants.connect.handler(() => pending('grants.connect')),
  openConsole: grants.openConsole.handler(() => pending('grants.openConsole')),
});
