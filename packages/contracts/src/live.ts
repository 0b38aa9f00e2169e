import { eventIterator, oc } from '@orpc/contract';
import * as z from 'zod';

/** Something changed that the caller may see: re-read it. Never carries the data itself. */
export const LiveEvent = z.object({
  topic: z.enum([
    'grants',
    'holds',
    'sessions',
    'tasks',
    'policies',
    'workflows',
    'resources',
    'people',
    'machines',
    'audit',
    'hello',
  ]),
  id: z.string().nullable(),
});
export type LiveEvent = z.infer<typeof LiveEvent>;

export const live = {
  events: oc.route({ method: 'GET', path: '/live', summary: 'Server-sent events' }).output(eventIterator(LiveEvent)),
};
