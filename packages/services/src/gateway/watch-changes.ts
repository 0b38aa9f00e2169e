import type { GrantEndReason } from '@taskgate/core';
import type { Services } from '../context.ts';
import { type ChangeEvent, listenForChanges } from '../live/listen.ts';

export type ControlPlaneEvent =
  | { readonly kind: 'grant-ended'; readonly grantId: string; readonly reason: GrantEndReason }
  | { readonly kind: 'session-ended'; readonly sessionId: string }
  | { readonly kind: 'hold-changed'; readonly holdId: string }
  | { readonly kind: 'policy-changed' }
  | { readonly kind: 'catalog-changed'; readonly resourceId: string }
  | { readonly kind: 'resync' }
  | { readonly kind: 'alive' };

/** What of a change a gateway acts on; `null`: nothing. */
export function toControlPlaneEvent(event: ChangeEvent): ControlPlaneEvent | null {
  switch (event.topic) {
    case 'resync':
      return { kind: 'resync' };
    case 'grants':
      return event.change === 'ended' && event.id !== null
        ? { kind: 'grant-ended', grantId: event.id, reason: event.reason ?? 'revoked' }
        : null;
    case 'sessions':
      return event.change === 'end-requested' && event.id !== null
        ? { kind: 'session-ended', sessionId: event.id }
        : null;
    case 'holds':
      return event.id === null ? null : { kind: 'hold-changed', holdId: event.id };
    case 'tasks':
    case 'policies':
      return event.change === 'published' ? { kind: 'policy-changed' } : null;
    case 'resources':
      if (event.change === 'catalog' && event.resourceId !== undefined)
        return { kind: 'catalog-changed', resourceId: event.resourceId };
      return event.change === 'labels' ? { kind: 'policy-changed' } : null;
    case 'workflows':
    case 'people':
    case 'machines':
    case 'audit':
      return null;
  }
}

export function watchChanges(
  services: Services,
  listener: (event: ControlPlaneEvent) => void,
  signal: AbortSignal,
): void {
  listenForChanges(
    services,
    (change) => {
      const event = toControlPlaneEvent(change);
      if (event !== null) listener(event);
    },
    signal,
    () => listener({ kind: 'alive' }),
  );
}
