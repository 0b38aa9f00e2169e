import { live as watch } from '@/lib/live-changes.ts';
import { asCaller, implementer } from './implementer.ts';

const { live } = implementer;

export const liveRouter = live.router({
  events: live.events.handler(({ context, signal, lastEventId: _ }) => watch(asCaller(context), signal)),
});
