import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { inbox } = implementer;

export const inboxRouter = inbox.router({
  list: inbox.list.handler(() => pending('inbox.list')),
});
