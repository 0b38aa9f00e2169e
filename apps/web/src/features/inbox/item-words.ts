import { formatRelative } from '@/lib/format.ts';
import { subjectName } from '@/lib/links.ts';
import type { GrantView, HoldView, InboxItemView } from '@/lib/views.ts';

export const requesterOf = (item: InboxItemView): GrantView['requestedBy'] =>
  item.kind === 'grant' ? item.grant.requestedBy : item.hold.requestedBy;

export const taskOf = (item: InboxItemView): string =>
  item.kind === 'grant' ? subjectName(item.grant) : item.hold.task;

/** State as {@link StateBadge} knows it: of an ended grant, why it ended. */
export const stateOf = (item: InboxItemView): string =>
  item.kind === 'grant' ? grantState(item.grant) : item.hold.state;

export const grantState = (grant: GrantView): string =>
  grant.state === 'ended' ? (grant.endReason ?? 'ended') : grant.state;

/** The second line of a row: what is asked, on one line. */
export function summaryOf(item: InboxItemView): string {
  if (item.kind === 'hold') return item.hold.statement.replace(/\s+/g, ' ').slice(0, 160);
  return item.grant.reason ?? item.grant.purpose;
}

export const agoWords = (item: InboxItemView, now: number | null): string =>
  now === null ? '' : formatRelative(item.at, now);

/** How many have agreed. */
export const agreed = (approvals: GrantView['approvals'] | HoldView['approvals']): number =>
  approvals.filter((approval) => approval.outcome === 'approved').length;
