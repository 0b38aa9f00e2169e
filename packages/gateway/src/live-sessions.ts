import { type Clock, formatDurationMs, type GrantEndReason } from '@taskgate/core';
import type { ControlPlane, ControlPlaneEvent } from './control-plane.ts';
import type { PostgresSession } from './postgres/postgres-session.ts';

interface LiveSession {
  readonly sessionId: string;
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly session: PostgresSession;
}

const ENDED: Partial<Record<GrantEndReason, string>> = {
  expired: 'the grant has expired',
  'parent-ended': 'a grant that it stood under has ended',
};
const MAX_TIMER_MS = 2_147_483_647;

/**
 * The sessions of this gateway, and what reaches them from the control plane: the end of a grant or of one session,
 * changed policies and catalogs, decided holds. Expiry needs no message: each session has its own timer.
 */
export function createLiveSessions(options: { readonly clock: Clock; readonly controlPlane: ControlPlane }) {
  const sessions = new Map<string, LiveSession>();
  const holdWaiters = new Map<string, Set<() => void>>();
  let changes = 0;

  const endGrant = (grantId: string, reason: GrantEndReason): void => {
    for (const live of sessions.values())
      if (live.grantId === grantId)
        live.session.end(
          reason === 'expired' ? 'expired' : 'grant-ended',
          '57P01',
          ENDED[reason] ?? `the grant was ended (${reason})`,
          'activate the task again',
        );
  };

  return {
    register(live: LiveSession): () => void {
      sessions.set(live.sessionId, live);
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        const left = live.expiresAt - options.clock.now();
        timer = setTimeout(
          () =>
            live.expiresAt <= options.clock.now()
              ? live.session.end('expired', '57P01', 'the grant has expired', 'activate the task again')
              : arm(),
          Math.max(0, Math.min(left, MAX_TIMER_MS)),
        );
        timer.unref();
      };
      arm();
      return () => {
        clearTimeout(timer);
        sessions.delete(live.sessionId);
      };
    },
    onEvent(event: ControlPlaneEvent): void {
      switch (event.kind) {
        case 'grant-ended':
          return endGrant(event.grantId, event.reason);
        case 'session-ended':
          return sessions
            .get(event.sessionId)
            ?.session.end('grant-ended', '57P01', 'this session was ended by somebody who may', null);
        case 'hold-changed':
          for (const wake of holdWaiters.get(event.holdId) ?? []) wake();
          return;
        case 'policy-changed':
          changes += 1;
          for (const { session } of sessions.values()) session.state.contextStale = true;
          return;
        case 'catalog-changed':
          changes += 1;
          for (const { session } of sessions.values())
            if (session.state.grant.resource.id === event.resourceId) session.state.contextStale = true;
          return;
        case 'alive':
          return;
        case 'resync':
          changes += 1;
          for (const { session } of sessions.values()) session.state.contextStale = true;
          for (const waiters of holdWaiters.values()) for (const wake of waiters) wake();
          // What ended while no notification could be heard ends now.
          for (const grantId of new Set([...sessions.values()].map((live) => live.grantId)))
            options.controlPlane.openGrant(grantId).catch((error: unknown) => {
              const code = (error as { code?: string }).code;
              if (code === 'grant-ended' || code === 'grant-expired')
                endGrant(grantId, code === 'grant-expired' ? 'expired' : 'revoked');
            });
          return;
      }
    },
    /** Resolves at the next change of the hold, or when `signal` aborts. */
    holdChanged(holdId: string, signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const waiters = holdWaiters.get(holdId) ?? new Set();
        const wake = (): void => {
          waiters.delete(wake);
          if (waiters.size === 0) holdWaiters.delete(holdId);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiters.add(wake);
        holdWaiters.set(holdId, waiters);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
    get(sessionId: string): PostgresSession | undefined {
      return sessions.get(sessionId)?.session;
    },
    /** Of policies and catalogs, so far: who is being opened meanwhile has not heard of them. */
    get changes(): number {
      return changes;
    },
    get count(): number {
      return sessions.size;
    },
    /** The store has not answered for as long as the gate goes on without it. */
    endAllStoreAway(leaseMs: number): void {
      for (const { session } of sessions.values())
        session.end(
          'store-away',
          '57P03',
          `the gate could not ask its store for ${formatDurationMs(leaseMs)}, and goes on without it no longer`,
          'connect again when it is back',
        );
    },
    /** For a shutdown: says so to each and waits for their ends. */
    async endAll(): Promise<void> {
      const all = [...sessions.values()];
      for (const { session } of all)
        session.end('gateway-stopped', '57P01', 'the gate is shutting down', 'connect again in a moment');
      await Promise.all(all.map(({ session }) => session.done));
    },
  };
}
export type LiveSessions = ReturnType<typeof createLiveSessions>;
