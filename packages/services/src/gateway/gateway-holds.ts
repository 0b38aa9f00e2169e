import { type ApprovalTerms, createId, type Reason, TaskgateError } from '@taskgate/core';
import type { Prisma } from '@taskgate/db';
import { holdContent } from '../approvals/approval-content.ts';
import { whyNotSigned } from '../approvals/check-signatures.ts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { changeHold, notifyHold } from '../holds/change-hold.ts';
import { HOLD_SELECT, type HoldStateName, lockHold, toHoldAudit, toHoldRow } from '../holds/hold-row.ts';
import { labelOf } from '../people/user-view.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { activeGrant, requireActiveGrant } from './active-grant.ts';
import type { IndexedRelation } from './index-session.ts';
import { storableJson, storableText } from './storable-json.ts';

export interface NewHold {
  readonly sessionId: string;
  readonly grantId: string;
  readonly decisionId: string;
  readonly statement: string;
  readonly parameters: readonly (string | null)[];
  readonly binding: string;
  readonly statementClass: string;
  readonly relations: readonly IndexedRelation[];
  readonly reasons: readonly Reason[];
  readonly affectsMax: number | null;
  readonly approvals: ApprovalTerms;
  readonly estimate: { readonly rows: number; readonly scanned: number } | null;
  readonly dryRun: {
    readonly rows: number | null;
    readonly sqlstate: string | null;
    readonly notices: number;
    /** Kept as it is, to be shown. */
    readonly sample: object;
  } | null;
}

export interface HoldState {
  readonly state: HoldStateName;
  readonly by: readonly string[];
  readonly comment: string | null;
}

/** Asks people about one statement of a live session. */
export async function openHold(
  ctx: ServiceContext,
  hold: NewHold,
): Promise<{ readonly holdId: string; readonly url: string }> {
  requireSystem(ctx, 'gateway');
  if (!/^[0-9a-f]{64}$/.test(hold.binding)) throw new TaskgateError('bad-input', 'a binding is a SHA-256 in lower hex');
  if (hold.approvals.from.length === 0 || hold.approvals.count < 1)
    throw new TaskgateError('bad-input', 'a hold asks somebody');
  const { clock, randomBytes, settings } = ctx.services;
  const holdId = createId('hld', clock.now(), randomBytes);
  await withTransaction(ctx, async (tx) => {
    const now = clock.now();
    const grant = await requireActiveGrant(tx, hold.grantId, now);
    const live = await tx.session.count({ where: { id: hold.sessionId, grantId: hold.grantId, endedAt: null } });
    if (live !== 1) throw new TaskgateError('invalid-state', 'the session of this hold has ended');
    const stored = await tx.hold.create({
      data: {
        id: holdId,
        grantId: hold.grantId,
        sessionId: hold.sessionId,
        decisionId: hold.decisionId,
        // For people to read; what is approved is the binding, which is over the exact bytes.
        statement: storableText(hold.statement),
        parameters: toJson(hold.parameters),
        binding: hold.binding,
        statementClass: hold.statementClass,
        relations: toJson(hold.relations),
        reasons: toJson(hold.reasons),
        affectsMax: hold.affectsMax,
        ...(hold.estimate === null ? {} : { estimate: toJson(hold.estimate) }),
        ...(hold.dryRun === null ? {} : { dryRun: toJson(hold.dryRun) }),
        state: 'waiting',
        approverGroups: [...hold.approvals.from],
        approvalsNeeded: hold.approvals.count,
        stepUp: hold.approvals.stepUp === true,
        createdAt: new Date(now),
        expiresAt: new Date(now + hold.approvals.timeoutMs),
      },
      select: HOLD_SELECT,
    });
    const row = toHoldRow(stored);
    await emitAudit(tx, ctx, {
      action: 'hold.open',
      subjectKind: 'hold',
      subject: holdId,
      before: null,
      after: { ...toHoldAudit(row), requestedBy: grant.identityId },
    });
    await notifyHold(tx, row);
  });
  return { holdId, url: `${settings.webUrl}/inbox?sel=${holdId}` };
}

export async function loadHoldState(ctx: ServiceContext, holdId: string): Promise<HoldState> {
  requireSystem(ctx, 'gateway');
  const row = await ctx.services.db.hold.findUnique({ where: { id: holdId }, select: HOLD_SELECT });
  if (row === null) throw new TaskgateError('not-found', `there is no hold \`${holdId}\``);
  const answers = row.approvals.filter((answer) => row.state !== 'refused' || answer.outcome === 'refused');
  return {
    state: row.state as HoldStateName,
    by: answers.map((answer) => labelOf(answer.user)),
    comment: answers.findLast((answer) => answer.comment !== null)?.comment ?? null,
  };
}

/** What the gate is about to forward. */
export interface ForwardedStatement {
  readonly binding: string;
  readonly statement: string;
  readonly parameters: readonly (string | null)[];
}

/**
 * Lets an approved statement through, once: false where it was let through before, is bound to anything else, fewer people
 * have approved it than must, it was signed for anything else, or its grant or session has ended. One update decides, so that of any number of tries one wins.
 */
export async function redeemHold(
  ctx: ServiceContext,
  holdId: string,
  { binding, statement, parameters }: ForwardedStatement,
): Promise<boolean> {
  requireSystem(ctx, 'gateway');
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    // A grant that is being ended at this moment is ended first, or after the statement was let through; never between.
    await tx.$queryRaw`select g.id from grants g join holds h on h."grantId" = g.id where h.id = ${holdId} for share of g`;
    const asked = await lockHold(tx, holdId);
    if (asked === null) return false;
    // What the gate holds in its hands, not what the store says of it: a row that was changed carries nothing.
    const forwarded = {
      ...asked,
      binding,
      statement: storableText(statement),
      parameters: toJson(parameters) as Prisma.JsonArray,
    };
    const terms = { needed: asked.approvalsNeeded, signed: asked.stepUp };
    const why = await whyNotSigned(asked.approvals, terms, (said) => holdContent(tx, forwarded, said));
    if (why !== null) {
      ctx.services.log.warn('an approved statement was not let through', { holdId, why });
      return false;
    }
    const { count } = await tx.hold.updateMany({
      where: {
        id: holdId,
        binding,
        state: 'approved',
        redeemedAt: null,
        grant: activeGrant(now),
        session: { endedAt: null },
      },
      data: { redeemedAt: new Date(now) },
    });
    if (count !== 1) return false;
    const row = toHoldRow(await tx.hold.findUniqueOrThrow({ where: { id: holdId }, select: HOLD_SELECT }));
    await emitAudit(tx, ctx, {
      action: 'hold.redeem',
      subjectKind: 'hold',
      subject: holdId,
      before: { ...toHoldAudit(row), redeemedAt: null },
      after: toHoldAudit(row),
    });
    await notifyHold(tx, row);
    return true;
  });
}

/** The client gave up, or time did. A hold that was decided meanwhile stays as it was decided. */
export async function closeHold(
  ctx: ServiceContext,
  holdId: string,
  outcome: 'timed-out' | 'cancelled',
): Promise<void> {
  requireSystem(ctx, 'gateway');
  await withTransaction(ctx, async (tx) => {
    const row = await lockHold(tx, holdId);
    if (row?.state !== 'waiting') return;
    await changeHold(tx, ctx, row, outcome, {
      now: ctx.services.clock.now(),
      action: outcome === 'timed-out' ? 'hold.time-out' : 'hold.cancel',
    });
  });
}

const toJson = (value: unknown): Prisma.InputJsonArray => JSON.parse(storableJson(value)) as Prisma.InputJsonArray;
