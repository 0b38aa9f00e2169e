import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { holds } = implementer;

export const holdsRouter = holds.router({
  get: holds.get.handler(() => pending('holds.get')),
  approve: holds.approve.handler(() => pending('holds.approve')),
  refuse: holds.refuse.handler(() => pending('holds.refuse')),
  cancel: holds.cancel.handler(() => pending('holds.cancel')),
});
