import { TaskgateError } from '@taskgate/core';
import type { IdentityActor } from '../context.ts';
import { whyNotApprover } from '../grants/grant-actions.ts';
import type { HoldRow } from './hold-row.ts';

export const HOLD_ACTIONS = ['approve', 'refuse', 'cancel'] as const;
export type HoldAction = (typeof HOLD_ACTIONS)[number];

/** Why this person may not do that with the hold now, or `null`. For the verbs and for the buttons alike. */
export function whyNotHold(action: HoldAction, actor: IdentityActor, hold: HoldRow, now: number): TaskgateError | null {
  const own = hold.grant.identityId === actor.identityId;
  if (action === 'cancel') {
    if (!own) return new TaskgateError('forbidden', 'only whose statement it is can cancel it');
    if (!actor.scopes.includes('grant:request')) return new TaskgateError('forbidden', 'you may not cancel statements');
    return whyNotWaiting(hold, now);
  }
  if (hold.grant.ownerIds.includes(actor.identityId))
    return new TaskgateError('forbidden', 'nobody decides their own request, or what is asked under a grant of theirs');
  if (hold.grant.authorityIds.includes(actor.identityId))
    return new TaskgateError(
      'forbidden',
      'nobody decides what an agent of theirs asked for, or what is asked for under its grant',
    );
  if (!actor.scopes.includes('grant:review')) return new TaskgateError('forbidden', 'only reviewers decide holds');
  const notMember = whyNotApprover(actor, hold.approverGroups);
  if (notMember !== null) return notMember;
  if (hold.state === 'waiting' && hold.approvals.some((answer) => answer.userId === actor.identityId))
    return new TaskgateError('invalid-state', 'you have answered this already; one person counts once');
  return whyNotWaiting(hold, now);
}

function whyNotWaiting(hold: HoldRow, now: number): TaskgateError | null {
  if (hold.state !== 'waiting')
    return new TaskgateError('invalid-state', `the hold is ${hold.state}, it waits no more`);
  if (hold.expiresAt.getTime() <= now) return new TaskgateError('invalid-state', 'the hold has timed out');
  return null;
}

interface HoldParties {
  readonly approverGroups: readonly string[];
  readonly grant: { readonly ownerIds: readonly string[] };
}

/** Only whose it is, who is asked, and auditors see that there is a hold; what it says is {@link isPartyToHold}'s. */
export function isVisibleHold(actor: IdentityActor, hold: HoldParties): boolean {
  return actor.scopes.includes('session:read') || isPartyToHold(actor, hold);
}

/** Statements hold data: whose it is and who is asked read them; anybody else needs the rights of its recording. */
export function isPartyToHold(actor: IdentityActor, hold: HoldParties): boolean {
  if (hold.grant.ownerIds.includes(actor.identityId) && actor.scopes.includes('grant:request')) return true;
  return actor.scopes.includes('grant:review') && hold.approverGroups.some((group) => actor.groups.includes(group));
}
