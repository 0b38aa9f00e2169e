import { type GrantEvent, type GrantStatus, nextGrantStatus, TaskgateError } from '@taskgate/core';
import type { IdentityActor } from '../context.ts';
import { type GrantPlace, reaches } from './grant-reach.ts';

export const GRANT_ACTIONS = ['approve', 'refuse', 'activate', 'end', 'console', 'mint'] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

/** The part of a grant that says who may do what with it. */
export interface GrantFacts extends GrantPlace {
  readonly status: GrantStatus;
  readonly approverGroups: readonly string[];
  /** Everybody who approved or refused it. */
  readonly answeredBy: readonly string[];
  /** Whose the grants above it are, and it. */
  readonly ownerIds: readonly string[];
  /** These, and whom those of them that are agents act for: under whose authority all of it is done. */
  readonly authorityIds: readonly string[];
  readonly ofWorkflow: boolean;
}

const forbidden = (message: string): TaskgateError => new TaskgateError('forbidden', message);

/**
 * Why this person may not do that with the grant now, or `null`. The verbs refuse by it and the buttons are disabled
 * by it, so that what a page offers and what the API does cannot drift apart.
 */
export function whyNotGrant(
  action: GrantAction,
  actor: IdentityActor,
  grant: GrantFacts,
  now: number,
): TaskgateError | null {
  const { status } = grant;
  if (!reaches(actor, grant)) return forbidden('this token reaches its own grant and those below it, and no other');
  const own = status.requestedBy === actor.identityId;
  // What is done under a grant is done under the authority of whoever has it.
  const inOwnTree = grant.ownerIds.includes(actor.identityId);
  const byAgent = !inOwnTree && grant.authorityIds.includes(actor.identityId);
  switch (action) {
    case 'approve':
    case 'refuse': {
      const event: GrantEvent =
        action === 'approve'
          ? { kind: 'approve', by: actor.identityId, ttlMs: null }
          : { kind: 'refuse', by: actor.identityId };
      if (own) return whyNotEvent(status, event, now);
      if (inOwnTree) return forbidden('nobody decides what is asked for under a grant of their own');
      if (byAgent)
        return forbidden('nobody decides what an agent of theirs asked for, or what is asked for under its grant');
      if (!actor.scopes.includes('grant:review')) return forbidden('only reviewers decide requests');
      const notMember = whyNotApprover(actor, grant.approverGroups);
      if (notMember !== null) return notMember;
      if (grant.answeredBy.includes(actor.identityId) && status.state === 'requested')
        return new TaskgateError('invalid-state', 'you have answered this already; one person counts once');
      return whyNotEvent(status, event, now);
    }
    case 'activate':
      if (!actor.scopes.includes('grant:request')) return forbidden('you may not activate grants');
      return whyNotEvent(status, { kind: 'activate', by: actor.identityId }, now);
    case 'end':
      if (inOwnTree && actor.scopes.includes('grant:request'))
        return whyNotEvent(status, { kind: 'revoke', by: actor.identityId }, now);
      if (!actor.scopes.includes('grant:revoke') && !byAgent)
        return forbidden(inOwnTree ? 'you may not end grants' : "you may not end other people's grants");
      return whyNotEvent(status, { kind: 'revoke', by: actor.identityId }, now);
    case 'console':
      if (!actor.scopes.includes('grant:request')) return forbidden('you may not open consoles');
      if (!own) return forbidden('only who asked for a grant can use it');
      if (grant.ofWorkflow)
        return new TaskgateError('invalid-state', 'a workflow opens nothing itself; start one of its steps');
      return whyNotActive(status, now);
    case 'mint':
      if (!actor.scopes.includes('grant:request')) return forbidden('you may not ask for grants');
      if (!own) return forbidden('only whose grant it is can make grants below it');
      return whyNotActive(status, now);
  }
}

/** Why the person is not among those asked, or `null`. */
export function whyNotApprover(actor: IdentityActor, approverGroups: readonly string[]): TaskgateError | null {
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
