import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { live } = implementer;

export const liveRouter = live.router({
  events: live.events.handler(() => pending('live.events')),
});
