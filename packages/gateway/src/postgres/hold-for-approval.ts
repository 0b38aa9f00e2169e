import { createHash } from 'node:crypto';
import type { Decision } from '@taskgate/core';
import { encodeNotice } from '@taskgate/protocol-postgres';
import type { DryRunEffect, HoldState } from '../control-plane.ts';
import type { DecidedStatement } from './decision-context.ts';
import type { StatementEstimate } from './foresee-effect.ts';
import { gateDenial } from './gate-decision.ts';
import type { SessionState } from './session-state.ts';
import type { TargetQuestions } from './target-questions.ts';

/** A hold inside an open transaction keeps locks: it waits less, unless the task says more. */
const OPEN_TRANSACTION_HOLD_MS = 60_000;

export interface HoldRequest {
  readonly decisionId: string;
  readonly decided: DecidedStatement;
  readonly parameters: readonly (string | null)[];
  readonly parameterFormats: readonly number[];
  readonly estimate: StatementEstimate | null;
  readonly dryRun: DryRunEffect | null;
}

export interface HoldPorts {
  readonly notify: (notice: Uint8Array) => void;
  /** Aborts when the client cancels, leaves, or the session ends. */
  readonly cancelled: AbortSignal;
  /** For what the gate itself wants to know of the target. */
  readonly questions: TargetQuestions;
  /** Loads the rules and the catalog anew where something may have changed. */
  readonly refresh: () => Promise<void>;
  /** Resolves at the next change of this hold, or after a while; the state is then read again. */
  readonly changed: (holdId: string, signal: AbortSignal) => Promise<void>;
}

/**
 * Waits in the data path until someone decides. `null`: approved and redeemed, go on; else the denial to show. The
 * approval is bound to exactly this statement, parameters, revisions, catalog and resource, and is used once.
 */
export async function holdForApproval(
  state: SessionState,
  request: HoldRequest,
  ports: HoldPorts,
): Promise<Decision | null> {
  const { controlPlane, clock } = state.ports;
  const terms = request.decided.decision.approvals;
  if (terms === null) return gateDenial('rule-failed', 'a hold without approvers cannot be approved');
  const timeoutMs =
    state.transaction === 'idle' || terms.explicitTimeout === true
      ? terms.timeoutMs
      : Math.min(terms.timeoutMs, OPEN_TRANSACTION_HOLD_MS);
  const { operation, decision } = request.decided;
  const binding = bindingOf(state, request);
  const { holdId, url } = await controlPlane.openHold({
    sessionId: state.sessionId,
    grantId: state.grant.grantId,
    decisionId: request.decisionId,
    statement: operation.text,
    parameters: request.parameters,
    binding,
    statementClass: operation.statementClass,
    relations: operation.accesses.map(({ verb, relation, columns }) => ({ verb, ...relation, columns })),
    reasons: decision.reasons,
    affectsMax: decision.obligations.affectsMax,
    approvals: { ...terms, timeoutMs },
    estimate: request.estimate,
    dryRun: request.dryRun,
  });
  state.recorder.append({ kind: 'hold-opened', decisionId: request.decisionId, holdId });
  state.recorder.flush();
  ports.notify(
    encodeNotice({
      message: `taskgate: held for approval by ${terms.from.join(' or ')}${terms.count > 1 ? ` (${terms.count} people)` : ''}; waiting up to ${timeoutMs % 60_000 === 0 ? `${timeoutMs / 60_000} min` : `${Math.ceil(timeoutMs / 1000)} s`}`,
      hint: `${url} - Ctrl-C takes it back`,
    }),
  );

  const outcome = await waitForOutcome(state, holdId, clock.monotonicMs() + timeoutMs, ports);
  const close = (closed: 'approved' | 'refused' | 'timed-out' | 'cancelled'): void =>
    state.recorder.append({
      kind: 'hold-closed',
      decisionId: request.decisionId,
      holdId,
      outcome: closed,
      by: outcome.by,
      comment: outcome.comment,
    });
  switch (outcome.state) {
    case 'approved':
      // What it was decided by may have changed while it waited; the binding would no longer be what was approved. News
      // that are about something else, such as another task, change nothing of it.
      await refreshed(state, ports);
      if (
        bindingOf(state, request) !== binding ||
        state.contextStale ||
        !(await controlPlane.redeemHold(holdId, {
          binding,
          statement: operation.text,
          parameters: request.parameters,
        }))
      ) {
        close('cancelled');
        return gateDenial(
          'hold-cancelled',
          'what this approval was for has changed meanwhile',
          'run the statement again to ask anew',
        );
      }
      close('approved');
      return null;
    case 'refused':
      close('refused');
      return gateDenial(
        'hold-refused',
        `refused by ${outcome.by.join(', ') || 'a reviewer'}${outcome.comment === null ? '' : `: ${outcome.comment}`}`,
        'talk to the reviewer, then run it again',
      );
    case 'timed-out':
    case 'waiting':
      close('timed-out');
      return gateDenial(
        'hold-timed-out',
        `nobody of ${terms.from.join(' or ')} answered in time`,
        'ask them, then run it again',
      );
    case 'cancelled':
      close('cancelled');
      return gateDenial('hold-cancelled', 'the statement was taken back while it waited', null);
  }
}

/** Where it fails, what it was decided by stays stale: the hold is then cancelled, and the next message meets the failure. */
async function refreshed(state: SessionState, ports: HoldPorts): Promise<void> {
  try {
    await ports.refresh();
  } catch {
    state.contextStale = true;
  }
}

async function waitForOutcome(
  state: SessionState,
  holdId: string,
  deadline: number,
  ports: HoldPorts,
): Promise<HoldState> {
  const { controlPlane, clock } = state.ports;
  for (;;) {
    if (ports.cancelled.aborted) {
      await controlPlane.closeHold(holdId, 'cancelled').catch(() => undefined);
      return { state: 'cancelled', by: [], comment: null };
    }
    const current = await controlPlane.holdState(holdId);
    if (current.state !== 'waiting') return current;
    const left = deadline - clock.monotonicMs();
    if (left <= 0) {
      await controlPlane.closeHold(holdId, 'timed-out');
      // Someone may have approved in the same moment: the store says who was first.
      return controlPlane.holdState(holdId);
    }
    await ports.changed(
      holdId,
      AbortSignal.any([ports.cancelled, AbortSignal.timeout(Math.ceil(Math.min(left, 5_000)))]),
    );
  }
}

function bindingOf(state: SessionState, request: HoldRequest): string {
  const bound = [
    'taskgate-hold-1',
    request.decided.operation.text,
    request.parameters,
    request.parameterFormats,
    state.context.key,
    state.grant.grantId,
    state.grant.resource.id,
    request.decisionId,
  ];
  return createHash('sha256').update(JSON.stringify(bound)).digest('hex');
}
