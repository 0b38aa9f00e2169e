import { TaskgateError } from './taskgate-error.ts';

export const GRANT_STATES = ['requested', 'approved', 'active', 'ended'] as const;
export type GrantState = (typeof GRANT_STATES)[number];

export const GRANT_END_REASONS = ['completed', 'failed', 'expired', 'revoked', 'refused', 'parent-ended'] as const;
export type GrantEndReason = (typeof GRANT_END_REASONS)[number];

/** The part of a grant that its state machine looks at. Instants are epoch milliseconds. */
export interface GrantStatus {
  readonly state: GrantState;
  readonly requestedBy: string;
  /** What was asked for, at most the task's own. */
  readonly ttlMs: number;
  readonly approvalsNeeded: number;
  /** One an approver; whoever asked is never among them. */
  readonly approvedBy: readonly string[];
  /** When an unanswered request, or an approval nobody used, lapses. */
  readonly requestExpiresAt: number;
  /** Set when active. */
  readonly expiresAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: GrantEndReason | null;
}

export type GrantEvent =
  | {
      readonly kind: 'approve';
      readonly by: string /** Shorter than asked, or `null`. */;
      readonly ttlMs: number | null;
    }
  | { readonly kind: 'refuse'; readonly by: string }
  | {
      readonly kind: 'activate';
      readonly by: string;
      /** When its parent ends, which it never outlives; none: it has none. */ readonly until?: number;
    }
  | { readonly kind: 'complete'; readonly by: string }
  /** Its job said so. */
  | { readonly kind: 'fail'; readonly by: string }
  /** A grant above it has ended. */
  | { readonly kind: 'end-with-parent' }
  | { readonly kind: 'revoke'; readonly by: string }
  | { readonly kind: 'expire' };

const outcomeOf = { complete: 'completed', fail: 'failed' } as const;

const invalid = (message: string): TaskgateError => new TaskgateError('invalid-state', message);

/**
 * requested -> approved -> active -> ended, or ended from anywhere. Pure: the new status, or a {@link TaskgateError}
 * (`invalid-state`, or `forbidden` for approving one's own) that says why not. Who may send which event is the
 * caller's check; what holds whoever sends it is checked here.
 */
export function nextGrantStatus(grant: GrantStatus, event: GrantEvent, now: number): GrantStatus {
  if (grant.state === 'ended') throw invalid(`the grant has ended (${grant.endReason})`);
  const end = (endReason: GrantEndReason): GrantStatus => ({ ...grant, state: 'ended', endedAt: now, endReason });
  const lapsed = grant.state === 'active' ? grant.expiresAt! <= now : grant.requestExpiresAt <= now;
  if (event.kind === 'expire') {
    if (!lapsed) throw invalid('the grant has not expired yet');
    return end('expired');
  }
  if (event.kind === 'revoke') return end('revoked');
  if (event.kind === 'end-with-parent') return end('parent-ended');
  if (lapsed) throw invalid('the grant has expired');

  switch (event.kind) {
    case 'approve': {
      if (grant.state !== 'requested') throw invalid(`the grant is ${grant.state}, not waiting for approval`);
      if (event.by === grant.requestedBy) throw new TaskgateError('forbidden', 'nobody approves their own request');
      if (grant.approvedBy.includes(event.by)) throw invalid('you have approved this already; one person counts once');
      if (event.ttlMs !== null && (event.ttlMs <= 0 || event.ttlMs > grant.ttlMs))
        throw new TaskgateError('bad-input', 'an approval can only shorten the time that was asked for');
      const approvedBy = [...grant.approvedBy, event.by];
      return {
        ...grant,
        approvedBy,
        ttlMs: event.ttlMs ?? grant.ttlMs,
        state: approvedBy.length >= grant.approvalsNeeded ? 'approved' : 'requested',
      };
    }
    case 'refuse':
      if (grant.state !== 'requested') throw invalid(`the grant is ${grant.state}, not waiting for approval`);
      if (event.by === grant.requestedBy)
        throw new TaskgateError('forbidden', 'nobody refuses their own request; end it instead');
      return end('refused');
    case 'activate':
      if (grant.state === 'active') throw invalid('the grant is active already, and its token is shown only once');
      if (grant.state !== 'approved') throw invalid('the grant waits for approval');
      if (event.by !== grant.requestedBy)
        throw new TaskgateError('forbidden', 'only who asked for a grant can activate it');
      if (event.until !== undefined && event.until <= now) throw invalid('the grant above it has expired');
      return {
        ...grant,
        state: 'active',
        expiresAt: Math.min(now + grant.ttlMs, event.until ?? Number.POSITIVE_INFINITY),
      };
    case 'complete':
    case 'fail':
      // What never ran has done nothing: a step that waits must not let the next one go on.
      if (grant.state !== 'active')
        throw invalid(`the grant is ${grant.state}; what has not started is not ${outcomeOf[event.kind]}`);
      return end(outcomeOf[event.kind]);
  }
}

/** A request with nothing to wait for starts approved. */
export function initialGrantStatus(input: {
  readonly requestedBy: string;
  readonly ttlMs: number;
  readonly approvalsNeeded: number;
  readonly requestExpiresAt: number;
}): GrantStatus {
  return {
    ...input,
    state: input.approvalsNeeded === 0 ? 'approved' : 'requested',
    approvedBy: [],
    expiresAt: null,
    endedAt: null,
    endReason: null,
  };
}
