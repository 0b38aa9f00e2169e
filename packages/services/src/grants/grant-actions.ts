import { type GrantEvent, type GrantStatus, nextGrantStatus, TaskgateError } from '@taskgate/core';
import type { UserActor } from '../context.ts';

export const GRANT_ACTIONS = ['approve', 'refuse', 'activate', 'end', 'console'] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

/** The part of a grant that says who may do what with it. */
export interface GrantFacts {
  readonly status: GrantStatus;
  readonly approverGroups: readonly string[];
  /** Everybody who approved or refused it. */
  readonly answeredBy: readonly string[];
}

const forbidden = (message: string): TaskgateError => new TaskgateError('forbidden', message);

/**
 * Why this person may not do that with the grant now, or `null`. The verbs refuse by it and the buttons are disabled
 * by it, so that what a page offers and what the API does cannot drift apart.
 */
export function whyNotGrant(
  action: GrantAction,
  actor: UserActor,
  grant: GrantFacts,
  now: number,
): TaskgateError | null {
  const { status } = grant;
  const own = status.requestedBy === actor.userId;
  switch (action) {
    case 'approve':
    case 'refuse': {
      const event: GrantEvent =
        action === 'approve'
          ? { kind: 'approve', by: actor.userId, ttlMs: null }
          : { kind: 'refuse', by: actor.userId };
      if (own) return whyNotEvent(status, event, now);
      if (!actor.scopes.includes('grant:review')) return forbidden('only reviewers decide requests');
      const notMember = whyNotApprover(actor, grant.approverGroups);
      if (notMember !== null) return notMember;
      if (grant.answeredBy.includes(actor.userId) && status.state === 'requested')
        return new TaskgateError('invalid-state', 'you have answered this already; one person counts once');
      return whyNotEvent(status, event, now);
    }
    case 'activate':
      if (!actor.scopes.includes('grant:request')) return forbidden('you may not activate grants');
      return whyNotEvent(status, { kind: 'activate', by: actor.userId }, now);
    case 'end':
      if (own && actor.scopes.includes('grant:request'))
        return whyNotEvent(status, { kind: 'complete', by: actor.userId }, now);
      if (!actor.scopes.includes('grant:revoke'))
        return forbidden(own ? 'you may not end grants' : "you may not end other people's grants");
      return whyNotEvent(status, { kind: 'revoke', by: actor.userId }, now);
    case 'console':
      if (!actor.scopes.includes('grant:request')) return forbidden('you may not open consoles');
      if (!own) return forbidden('only who asked for a grant can use it');
      return whyNotActive(status, now);
  }
}

/** Why the person is not among those asked, or `null`. */
export function whyNotApprover(actor: UserActor, approverGroups: readonly string[]): TaskgateError | null {
  if (approverGroups.some((group) => actor.groups.includes(group))) return null;
  if (approverGroups.length === 0) return forbidden('nobody is asked to approve this');
  return forbidden(`only members of ${approverGroups.map((group) => `\`${group}\``).join(' or ')} can decide this`);
}

/** Why nothing can be done under the grant, or `null`: `grant-ended`, `grant-expired` or `invalid-state`. */
export function whyNotActive(
  status: Pick<GrantStatus, 'state' | 'endReason' | 'expiresAt'>,
  now: number,
): TaskgateError | null {
  if (status.state === 'ended')
    return status.endReason === 'expired'
      ? new TaskgateError('grant-expired', 'the grant has expired; ask for a new one')
      : new TaskgateError('grant-ended', `the grant has ended (${status.endReason}); ask for a new one`);
  if (status.state !== 'active')
    return new TaskgateError('invalid-state', 'the grant is not active; activate it first');
  // The timer that ends it may be late: an instant that has passed has passed.
  if (status.expiresAt === null || status.expiresAt <= now)
    return new TaskgateError('grant-expired', 'the grant has expired; ask for a new one');
  return null;
}

function whyNotEvent(status: GrantStatus, event: GrantEvent, now: number): TaskgateError | null {
  try {
    nextGrantStatus(status, event, now);
    return null;
  } catch (error) {
    if (error instanceof TaskgateError) return error;
    throw error;
  }
}
