import { BUDGET_DIMENSIONS, type GrantLimits, limitOf, type SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { hashToken } from '@taskgate/identity';
import { type Activator, evaluateCondition } from '@taskgate/policy';
import { grantContent, needsSignatures } from '../approvals/approval-content.ts';
import { whyNotSigned } from '../approvals/check-signatures.ts';
import type { ServiceContext } from '../context.ts';
import { activeGrant } from '../gateway/active-grant.ts';
import { requirePrincipal } from '../principals/require-principal.ts';
import { changeGrant } from './change-grant.ts';
import { whyNotActive } from './grant-actions.ts';
import { GRANT_SELECT, type GrantRow, requireTaskGrant, toGrantStatus } from './grant-row.ts';
import { type GrantSubject, loadSubject, requireMayActivate } from './grant-subject.ts';
import { requireConfirmed } from './is-confirmed.ts';
import { requireStepReady } from './require-step-ready.ts';
import { encodeScramVerifier } from './scram-verifier.ts';

/** Who a grant is for, as its conditions look at it. */
export interface Grantee extends Activator {
  readonly identityId: string;
}

/**
 * Active grants of one task that one identity has at a time. The gate tries a token against a bounded number of a task's
 * grants: whoever could fill that number would lock everybody else out of the task.
 */
const MAX_ACTIVE_PER_TASK = 25;

/** Starts the time of a grant that is approved: its identity and its tree are locked. Who may do that is the caller's check. */
export async function startGrant(
  tx: Transaction,
  ctx: ServiceContext,
  before: GrantRow,
  to: { readonly subject: GrantSubject; readonly grantee: Grantee; readonly token: SecretValue },
): Promise<GrantRow> {
  const { subject, grantee, token } = to;
  const now = ctx.services.clock.now();
  // Between the request and now they may have left the group, or its hours may be over.
  requireMayActivate(subject.document, grantee, now);
  requireConfirmed(ctx, before);
  await requireSigned(tx, before);
  const until = await requireParents(tx, before, grantee, now);
  if (before.workflowId === null) await requirePrincipal(tx, requireTaskGrant(before));
  const { taskId, workflowId } = before;
  const active = await tx.grant.count({
    where: { identityId: grantee.identityId, ...activeGrant(now), taskId, workflowId },
  });
  if (active >= MAX_ACTIVE_PER_TASK)
    throw new TaskgateError(
      'rate-limited',
      `there are ${active} active grants of this ${before.workflowId === null ? 'task' : 'workflow'} already; end some first`,
    );
  const after = await changeGrant(
    tx,
    ctx,
    before,
    { kind: 'activate', by: grantee.identityId, ...(until === null ? {} : { until }) },
    {
      now,
      action: 'grant.activate',
      also: {
        activatedAt: new Date(now),
        verifier: await encodeScramVerifier(token, subject.salt),
        tokenHash: hashToken(token),
      },
    },
  );
  // No audit row: it follows from the activation, which has one.
  await tx.grantBudget.createMany({ data: budgetRows(after.id, subject.terms.limits) });
  return after;
}

/** As many as must have approved it, and what was signed is what is activated, for at most as long. Throws `conflict`. */
async function requireSigned(tx: Transaction, grant: GrantRow): Promise<void> {
  const terms = { needed: grant.approvalsNeeded, signed: needsSignatures(grant) };
  const why = await whyNotSigned(grant.approvals, terms, (said, { subject }) =>
    grantContent(tx, grant, subject.kind === 'grant' ? Math.max(subject.ttlMs, grant.ttlMs) : grant.ttlMs, said),
  );
  if (why !== null) throw new TaskgateError('conflict', `${why}; ask for a new grant`);
}

/** One for each dimension that has a limit; a gateway adds those that it only counts. */
function budgetRows(grantId: string, limits: GrantLimits) {
  return BUDGET_DIMENSIONS.flatMap((dimension) => {
    const limit = limitOf(limits, dimension);
    return limit === null ? [] : [{ grantId, dimension, limit: BigInt(limit) }];
  });
}

/**
 * The grants above are alive, and each one's condition holds for this identity now. Gives when the first of them ends;
 * `null`: none is above.
 */
async function requireParents(tx: Transaction, row: GrantRow, grantee: Grantee, now: number): Promise<number | null> {
  if (row.parentId === null) return null;
  const above = await tx.grant.findMany({ where: { id: { in: row.ancestorIds } }, select: GRANT_SELECT });
  let until = Number.POSITIVE_INFINITY;
  for (const one of above) {
    const refusal = whyNotActive(toGrantStatus(one), now);
    if (refusal !== null) throw new TaskgateError(refusal.code, `of a grant above it: ${refusal.message}`);
    until = Math.min(until, one.expiresAt!.getTime());
    const { document, name } = await loadSubject(tx, one);
    // It may have waited for its approval: what it comes after may have been tried again since.
    if (one.id === row.parentId && 'steps' in document)
      await requireStepReady(tx, one.id, document.steps.find(({ task }) => task === row.step)!);
    const { when } = document.access;
    if (when === null) continue;
    const holds = evaluateCondition(when, {
      epochMs: now,
      identity: grantee,
    });
    if (holds !== 'true')
      throw new TaskgateError(
        'forbidden',
        `a grant above it, of \`${name}\`, lets nothing start but when \`${when}\` (times are UTC)`,
      );
  }
  return until;
}
