'use client';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import type { LiveEvent } from '@taskgate/contracts';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { query } from './api.ts';

/** The server says something at least every 4 s; silence for this long means that what is shown may be old. */
const STALE_AFTER_MS = 10_000;
const MAX_BACKOFF_MS = 15_000;

const LiveContext = createContext<{ stale: boolean }>({ stale: false });

/** Whether what is on the screen may be old because the live connection is down. */
export const useLive = (): { stale: boolean } => useContext(LiveContext);

function invalidate(client: QueryClient, topic: LiveEvent['topic']): void {
  const keys = {
    grants: [query.grants.key(), query.inbox.key(), query.tasks.key(), query.workflows.key()],
    holds: [query.holds.key(), query.inbox.key(), query.sessions.key()],
    sessions: [query.sessions.key(), query.grants.key()],
    tasks: [query.tasks.key(), query.workflows.key(), query.documents.key()],
    workflows: [query.workflows.key(), query.documents.key()],
    policies: [query.policies.key(), query.tasks.key(), query.documents.key()],
    resources: [query.resources.key(), query.tasks.key(), query.policies.key()],
    people: [query.people.key()],
    machines: [query.machines.key(), query.issuers.key()],
    audit: [query.audit.key()],
    hello: [],
  }[topic];
  for (const queryKey of keys) void client.invalidateQueries({ queryKey });
}

/** One connection for the whole page: re-reads what changed, reconnects with backoff, and re-reads all after a gap. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [stale, setStale] = useState(false);
  useEffect(() => {
    let source: EventSource | null = null;
    let backoffMs = 1000;
    let retryTimer: ReturnType<typeof setTimeout> | undefined;
    let staleTimer: ReturnType<typeof setTimeout> | undefined;
    let missed = false;

    const heard = () => {
      clearTimeout(staleTimer);
      staleTimer = setTimeout(silent, STALE_AFTER_MS);
      setStale(false);
      backoffMs = 1000;
      if (missed) {
        missed = false;
        void client.invalidateQueries();
      }
    };
    const silent = () => {
      missed = true;
      setStale(true);
      reconnect();
    };
    const reconnect = () => {
      source?.close();
      missed = true;
      clearTimeout(retryTimer);
      retryTimer = setTimeout(open, backoffMs * (0.75 + Math.random() / 2));
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    };
    const open = () => {
      source = new EventSource('/api/v1/live');
      source.addEventListener('message', (message: MessageEvent<string>) => {
        heard();
        invalidate(client, (JSON.parse(message.data) as LiveEvent).topic);
      });
      source.addEventListener('done', reconnect);
      source.addEventListener('error', reconnect);
    };
    const woken = () => {
      if (document.visibilityState === 'visible' && source?.readyState === EventSource.CLOSED) {
        backoffMs = 1000;
        reconnect();
      }
    };
    staleTimer = setTimeout(silent, STALE_AFTER_MS);
    open();
    document.addEventListener('visibilitychange', woken);
    return () => {
      document.removeEventListener('visibilitychange', woken);
      clearTimeout(retryTimer);
      clearTimeout(staleTimer);
      source?.close();
    };
  }, [client]);
  return <LiveContext value={{ stale }}>{children}</LiveContext>;
}
