import 'server-only';
import type { LiveEvent } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import {
  type ChangeEvent,
  checkWebSession,
  listenForChanges,
  mayHear,
  type ServiceContext,
  type Services,
} from '@taskgate/services';

/** The browser takes silence for a broken connection after 10 s. */
const HEARTBEAT_MS = 4_000;
/** A stream outlives its check: it ends itself, and the browser's next one is checked again. */
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
  const { actor, services } = ctx;
  if (actor.kind !== 'user') throw new TaskgateError('forbidden', 'only a person can listen');
  const hub = hubOf(services);
  const open = hub.streams.get(actor.userId) ?? 0;
  if (open >= MAX_STREAMS_PER_PERSON) throw new TaskgateError('rate-limited', 'too many pages of yours are listening');
  hub.streams.set(actor.userId, open + 1);

  const queue: { topic: LiveEvent['topic']; id: string | null }[] = [];
  let wake: () => void = () => {};
  let overflow = false;
  const listener: Listener = (event) => {
    if (!mayHear(actor, event)) return;
    if (event.topic === 'resync') {
      // Whatever was missed: everything the caller may see is read again.
      for (const topic of ['grants', 'holds', 'sessions', 'tasks', 'policies', 'resources', 'people', 'audit'] as const)
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
    while (!signal?.aborted && !overflow && services.clock.monotonicMs() < endsAt) {
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
      // Who was signed out or disabled hears no more.
      if (actor.via === 'session' && (await checkWebSession(services, actor.viaId)) === null) return;
      yield { topic: 'hello', id: null };
    }
  } finally {
    hub.listeners.delete(listener);
    signal?.removeEventListener('abort', onAbort);
    const left = (hub.streams.get(actor.userId) ?? 1) - 1;
    if (left > 0) hub.streams.set(actor.userId, left);
    else hub.streams.delete(actor.userId);
  }
}
