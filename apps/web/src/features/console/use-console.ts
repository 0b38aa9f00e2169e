'use client';
import { ORPCError } from '@orpc/client';
import type { ConsoleEvent, ConsoleRequest } from '@taskgate/contracts';
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { api } from '@/lib/api.ts';
import { problemOf } from '@/lib/problem.ts';
import { type ConsoleState, INITIAL_STATE, reduceConsole } from './console-state.ts';

export interface ConsoleHandle {
  readonly state: ConsoleState;
  /** Sends exactly this text. False where nothing can be sent now. */
  run(sql: string, offset: number): boolean;
  cancel(): void;
  /** The answer comes as `state.verdict` with this number. */
  preflight(sql: string): number;
  reconnect(): void;
}

const MAX_ROWS = 10_000;
const LOST = 'The connection to the gate was lost. What was running may have been carried out.';

/** One console: a one-time ticket, then a socket to the gateway, until it ends. */
export function useConsole(grantId: string): ConsoleHandle {
  const [state, dispatch] = useReducer(reduceConsole, INITIAL_STATE);
  const [attempt, setAttempt] = useState(0);
  const socket = useRef<WebSocket | null>(null);
  const lastId = useRef(0);
  const busy = state.connection !== 'ready' || state.running !== null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is another connection
  useEffect(() => {
    const stop = new AbortController();
    dispatch({ kind: 'connect' });
    const lost = (code: string, message: string) => {
      if (!stop.signal.aborted) dispatch({ kind: 'lost', code, message });
    };
    const open = async () => {
      const { ticket, url } = await api.grants.openConsole({ id: grantId }, { signal: stop.signal });
      if (stop.signal.aborted) return;
      const address = new URL(url);
      // By the name that this browser knows the machine by: the page's policy lets it talk to no other.
      address.hostname = window.location.hostname;
      const opened = new WebSocket(address);
      socket.current = opened;
      opened.addEventListener('open', () => send(opened, { type: 'open', ticket }));
      opened.addEventListener('message', (message: MessageEvent<string>) => {
        if (!stop.signal.aborted) dispatch({ kind: 'event', event: JSON.parse(message.data) as ConsoleEvent });
      });
      let reached = false;
      opened.addEventListener('open', () => {
        reached = true;
      });
      opened.addEventListener('close', () =>
        lost('closed', reached ? LOST : `The gateway does not answer at ${address.host}. Check that it is running.`),
      );
    };
    open().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      const problem = problemOf(error);
      lost(error instanceof ORPCError ? problem.code : 'network', problem.detail);
    });
    return () => {
      stop.abort();
      socket.current?.close();
      socket.current = null;
    };
  }, [grantId, attempt]);

  const run = useCallback(
    (sql: string, offset: number): boolean => {
      if (busy || socket.current === null || sql.trim() === '') return false;
      lastId.current += 1;
      dispatch({ kind: 'sent', id: lastId.current, sql, offset, at: new Date().toISOString() });
      send(socket.current, { type: 'run', id: lastId.current, sql, maxRows: MAX_ROWS });
      return true;
    },
    [busy],
  );
  const preflight = useCallback((sql: string): number => {
    lastId.current += 1;
    if (socket.current?.readyState === WebSocket.OPEN)
      send(socket.current, { type: 'preflight', id: lastId.current, sql });
    return lastId.current;
  }, []);
  const cancel = useCallback(() => {
    if (socket.current?.readyState === WebSocket.OPEN) send(socket.current, { type: 'cancel' });
  }, []);
  const reconnect = useCallback(() => setAttempt((count) => count + 1), []);
  return { state, run, cancel, preflight, reconnect };
}

const send = (socket: WebSocket, request: ConsoleRequest): void => socket.send(JSON.stringify(request));
