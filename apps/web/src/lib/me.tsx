'use client';
import type { Me } from '@taskgate/contracts';
import type { Scope } from '@taskgate/core';
import { createContext, type ReactNode, useContext } from 'react';
import type * as z from 'zod';

export type MeView = z.infer<typeof Me>;

export interface Session {
  me: MeView;
  /** Whether this installation holds the demo, for the first steps and labels. */
  demo: boolean;
}

const SessionContext = createContext<Session | null>(null);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of the signed-in layout');
  return session;
}

export const useMe = (): MeView => useSession().me;

/** For what to show only: the API checks for itself. */
export function useCan(): (scope: Scope) => boolean {
  const { scopes } = useMe();
  return (scope) => scopes.includes(scope);
}
