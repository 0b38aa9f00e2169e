import { loadInbox } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { inbox } = implementer;

export const inboxRouter = inbox.router({
  list: inbox.list.handler(({ context, input }) => loadInbox(asCaller(context), input)),
});
