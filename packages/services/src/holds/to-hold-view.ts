import type { Hold } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import type { IdentityActor } from '../context.ts';
import { toPerson } from '../grants/person-ref.ts';
import { toAnswerView } from '../grants/to-grant-view.ts';
import { HOLD_ACTIONS, type HoldAction, isPartyToHold, whyNotHold } from './hold-actions.ts';
import type { HoldRow } from './hold-row.ts';

export type HoldView = z.infer<typeof Hold>;

const HISTORY_MS = 90 * 86_400_000;

const WITHHELD = '-- withheld: only who is asked, and the named readers of this session, may read the statement';

/**
 * Rows as the API shows them to `actor`, who may see them. `mayRead`: whether they may read what was said in a session
 * of somebody else, where nobody asks them.
 */
export async function toHoldViews(
  db: Transaction,
  actor: IdentityActor,
  rows: readonly HoldRow[],
  now: number,
  mayRead: (row: HoldRow) => boolean = () => false,
): Promise<HoldView[]> {
  const historyOf = await loadHistory(
    db,
    [...new Set(rows.map((row) => row.grant.identityId))],
    new Date(now - HISTORY_MS),
  );
  return rows.map((row) => {
    const action = (name: HoldAction) => {
      const refusal = whyNotHold(name, actor, row, now);
      return { allowed: refusal === null, why: refusal?.message ?? null };
    };
    const readable = isPartyToHold(actor, row) || mayRead(row);
    return {
      id: row.id,
      decisionId: row.decisionId,
      sessionId: row.sessionId,
      grantId: row.grantId,
      task: row.grant.task.name,
      taskRevision: row.grant.taskRevision,
      resource: row.grant.task.resource.name,
      requestedBy: toPerson(row.grant.identity),
      grantReason: row.grant.reason,
      ticket: row.grant.ticket,
      statement: readable ? row.statement : WITHHELD,
      // Written by `openHold` from typed values and never changed since.
      parameters: readable ? (row.parameters as HoldView['parameters']) : [],
      binding: row.binding,
      statementClass: row.statementClass,
      // They name what the statement names.
      relations: readable ? (row.relations as HoldView['relations']) : [],
      reasons: readable ? (row.reasons as unknown as HoldView['reasons']) : [],
      affectsMax: row.affectsMax,
      estimate: row.estimate as HoldView['estimate'],
      dryRun: toDryRun(row, readable),
      state: row.state as HoldView['state'],
      approvers: row.approverGroups,
      approvalsNeeded: row.approvalsNeeded,
      approvals: row.approvals.map(toAnswerView),
      stepUp: row.stepUp,
      createdAt: row.createdAt.toISOString(),
      expiresAt: row.expiresAt.toISOString(),
      endedAt: row.endedAt?.toISOString() ?? null,
      redeemedAt: row.redeemedAt?.toISOString() ?? null,
      history: historyOf(row.grant.identityId),
      actions: Object.fromEntries(HOLD_ACTIONS.map((name) => [name, action(name)])) as HoldView['actions'],
    };
  });
}

/** Whoever may not read the statement does not see its rows; a dry run of an earlier release has none. */
function toDryRun({ dryRun }: HoldRow, readable: boolean): HoldView['dryRun'] {
  const kept = dryRun as HoldView['dryRun'];
  return kept === null ? null : { ...kept, sample: readable ? (kept.sample ?? null) : null };
}

/** How often each person asked for a grant since then, and how often a request or a statement of theirs was refused. */
async function loadHistory(
  db: Transaction,
  identityIds: readonly string[],
  since: Date,
): Promise<(identityId: string) => HoldView['history']> {
  if (identityIds.length === 0) return () => ({ grants90d: 0, refused90d: 0 });
  const rows = await db.$queryRaw<{ identityId: string; grants: number; refused: number }[]>`
    select g."identityId", count(*)::int as grants,
      (count(*) filter (where g."endReason" = 'refused') + coalesce(sum((
        select count(*) from holds h where h."grantId" = g.id and h.state = 'refused')), 0))::int as refused
    from grants g
    where g."identityId" = any(${[...identityIds]}) and g."requestedAt" >= ${since}
    group by g."identityId"`;
  const byId = new Map(rows.map((row) => [row.identityId, { grants90d: row.grants, refused90d: row.refused }]));
  return (identityId) => byId.get(identityId) ?? { grants90d: 0, refused90d: 0 };
}
