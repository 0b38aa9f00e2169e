import 'server-only';
import type { LiveEvent } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import {
  type ChangeEvent,
  checkActor,
  listenForChanges,
  mayHear,
  type ServiceContext,
  type Services,
} from '@taskgate/services';

/** The browser takes silence for a broken connection after 10 s. */
const HEARTBEAT_MS = 4_000;
/** A stream outlives the check it began with, so who listens is looked up this often, however much there is to say. */
const CHECK_MS = 4_000;
/** And it ends itself: the browser opens the next. */
const MAX_STREAM_MS = 10 * 60_000;
/** Who does not read is cut off rather than kept in memory. */
const MAX_QUEUED = 500;
/** Of one person at a time: tabs, and a few that have not been noticed to be gone. */
const MAX_STREAMS_PER_PERSON = 20;

type Listener = (event: ChangeEvent) => void;
interface Hub {
  readonly listeners: Set<Listener>;
  readonly streams: Map<string, number>;
}

// One connection to the store for the process, however many tabs are open.
const holder = globalThis as { taskgateHub?: Hub };

function hubOf(services: Services): Hub {
  if (holder.taskgateHub) return holder.taskgateHub;
  const hub: Hub = { listeners: new Set(), streams: new Map() };
  holder.taskgateHub = hub;
  listenForChanges(
    services,
    (event) => {
      for (const listener of hub.listeners) listener(event);
    },
    new AbortController().signal,
  );
  return hub;
}

/** Topics and ids of what changed and the caller could list, with a `hello` every few seconds and after each gap. */
export async function* live(
  ctx: ServiceContext,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ topic: LiveEvent['topic']; id: string | null }> {
  const { services } = ctx;
  if (ctx.actor.kind !== 'person') throw new TaskgateError('forbidden', 'only a person can listen');
  let actor = ctx.actor;
  const { identityId: userId } = actor;
  const hub = hubOf(services);
  const open = hub.streams.get(userId) ?? 0;
  if (open >= MAX_STREAMS_PER_PERSON) throw new TaskgateError('rate-limited', 'too many pages of yours are listening');
  hub.streams.set(userId, open + 1);

  const queue: { topic: LiveEvent['topic']; id: string | null }[] = [];
  let wake: () => void = () => {};
  let overflow = false;
  const listener: Listener = (event) => {
    if (!mayHear(actor, event)) return;
    if (event.topic === 'resync') {
      // Whatever was missed: everything the caller may see is read again.
      for (const topic of [
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
      ] as const)
        queue.push({ topic, id: null });
    } else queue.push({ topic: event.topic, id: event.id });
    overflow ||= queue.length > MAX_QUEUED;
    wake();
  };
  const onAbort = (): void => wake();
  const endsAt = services.clock.monotonicMs() + MAX_STREAM_MS;
  hub.listeners.add(listener);
  signal?.addEventListener('abort', onAbort);
  try {
    yield { topic: 'hello', id: null };
    let checkedAt = services.clock.monotonicMs();
    while (!signal?.aborted && !overflow && services.clock.monotonicMs() < endsAt) {
      if (services.clock.monotonicMs() - checkedAt >= CHECK_MS) {
        // Who was signed out or disabled, or whose token was revoked, hears no more; a lost role is heard by no more.
        const now = await checkActor(services, actor);
        if (now === null) return;
        actor = now;
        checkedAt = services.clock.monotonicMs();
      }
      const next = queue.shift();
      if (next) {
        yield next;
        continue;
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, HEARTBEAT_MS);
        if (signal?.aborted) resolve();
      });
      clearTimeout(timer);
      if (queue.length > 0) continue;
      yield { topic: 'hello', id: null };
    }
  } finally {
    hub.listeners.delete(listener);
    signal?.removeEventListener('abort', onAbort);
    const left = (hub.streams.get(userId) ?? 1) - 1;
    if (left > 0) hub.streams.set(userId, left);
    else hub.streams.delete(userId);
  }
}
