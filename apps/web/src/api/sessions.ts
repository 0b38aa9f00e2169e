import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { sessions } = implementer;

export const sessionsRouter = sessions.router({
  list: sessions.list.handler(() => pending('sessions.list')),
  get: sessions.get.handler(() => pending('sessions.get')),
  timeline: sessions.timeline.handler(() => pending('sessions.timeline')),
  viewers: sessions.viewers.handler(() => pending('sessions.viewers')),
  end: sessions.end.handler(() => pending('sessions.end')),
  explain: sessions.explain.handler(() => pending('sessions.explain')),
});
