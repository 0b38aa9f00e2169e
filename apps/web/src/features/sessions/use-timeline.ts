'use client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api } from '@/lib/api.ts';
import type { TimelineOperationView } from '@/lib/views.ts';
import { mergeOperations, resumeAfter } from './merge-operations.ts';

const PAGE = 200;
/** Read without being asked; the rest comes by hand. */
const AUTOMATIC_PAGES = 10;
const TAIL_MS = 2000;

export interface TimelineState {
  operations: readonly TimelineOperationView[];
  /** All there is was read. */
  complete: boolean;
  loading: boolean;
  error: unknown;
  loadMore: () => void;
}

/** Reads a session's operations page by page, and follows it while it is live. */
export function useTimeline(sessionId: string, live: boolean, enabled: boolean): TimelineState {
  const [operations, setOperations] = useState<readonly TimelineOperationView[]>([]);
  const [complete, setComplete] = useState(false);
  const [loading, setLoading] = useState(enabled);
  const [error, setError] = useState<unknown>(null);
  const [wanted, setWanted] = useState(AUTOMATIC_PAGES);
  const held = useRef<readonly TimelineOperationView[]>([]);

  useEffect(() => {
    if (!enabled) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pages = 0;
    const read = async (): Promise<void> => {
      setLoading(true);
      try {
        for (;;) {
          const after = resumeAfter(held.current);
          const page = await api.sessions.timeline(
            { id: sessionId, limit: PAGE, ...(after === null ? {} : { after }) },
            { signal: stop.signal },
          );
          if (stop.signal.aborted) return;
          held.current = mergeOperations(held.current, page.operations);
          setOperations(held.current);
          setError(null);
          setComplete(page.nextAfter === null);
          pages += 1;
          if (page.nextAfter === null || pages >= wanted) break;
        }
      } catch (cause) {
        if (stop.signal.aborted) return;
        setError(cause);
        return;
      } finally {
        if (!stop.signal.aborted) setLoading(false);
      }
      pages = 0;
      if (live) timer = setTimeout(() => void read(), TAIL_MS);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [sessionId, live, enabled, wanted]);

  const loadMore = useCallback(() => setWanted((pages) => pages + AUTOMATIC_PAGES), []);
  return { operations, complete, loading, error, loadMore };
}
