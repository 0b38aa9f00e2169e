import { isId, TaskgateError } from '@taskgate/core';
import type { ServiceContext, Services } from '../context.ts';
import { translateStoreError } from '../with-transaction.ts';
import { findCandidates } from './find-candidates.ts';
import {
  closeHold,
  type ForwardedStatement,
  loadHoldState,
  type NewHold,
  openHold,
  redeemHold,
} from './gateway-holds.ts';
import { indexSession, type SessionIndexBatch } from './index-session.ts';
import { leaseCredential, loadCatalog, openGrant } from './open-grant.ts';
import { redeemTicket } from './redeem-ticket.ts';
import { type BudgetReport, forfeitBudgets, reserveBudget } from './reserve-budget.ts';
import {
  loadJournalKey,
  loadUnfinishedSessions,
  type NewSession,
  openSessionKey,
  startSession,
} from './start-session.ts';
import { type ControlPlaneEvent, watchChanges } from './watch-changes.ts';

/**
 * The data path's port to the control plane, in process. Whatever fails, fails as a {@link TaskgateError}: a store that
 * is away is `store-unavailable`, and the gateway refuses.
 */
export function createControlPlane(services: Services, options: { readonly gatewayName: string }) {
  const ctx: ServiceContext = { services, actor: { kind: 'system', via: 'gateway' } };
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw toTaskgateError(error, services, options.gatewayName);
    }
  };
  return {
    findCandidates: (task: string) => guard(findCandidates(ctx, task)),
    openGrant: (grantId: string) => guard(openGrant(ctx, grantId)),
    leaseCredential: (grantId: string) => guard(leaseCredential(ctx, grantId)),
    loadCatalog: (resourceId: string, load: { readonly refresh: boolean; readonly maxAgeMs?: number }) =>
      guard(loadCatalog(ctx, resourceId, load)),
    redeemTicket: (ticket: string) => guard(redeemTicket(ctx, ticket)),
    startSession: (session: NewSession) => guard(startSession(ctx, session)),
    reserveBudget: (report: BudgetReport) => guard(reserveBudget(ctx, report)),
    forfeitBudgets: (gatewayName: string) => guard(forfeitBudgets(ctx, gatewayName)),
    journalKey: () => guard(loadJournalKey(ctx)),
    openSessionKey: (sessionId: string, wrappedKey: Uint8Array) =>
      guard(Promise.resolve().then(() => openSessionKey(ctx, sessionId, wrappedKey))),
    indexSession: (sessionId: string, batch: SessionIndexBatch) => guard(indexSession(ctx, sessionId, batch)),
    unfinishedSessions: (gatewayName: string) => guard(loadUnfinishedSessions(ctx, gatewayName)),
    openHold: (hold: NewHold) => guard(openHold(ctx, hold)),
    holdState: (holdId: string) => guard(loadHoldState(ctx, holdId)),
    redeemHold: (holdId: string, forwarded: ForwardedStatement) => guard(redeemHold(ctx, holdId, forwarded)),
    closeHold: (holdId: string, outcome: 'timed-out' | 'cancelled') => guard(closeHold(ctx, holdId, outcome)),
    requestUrl: (task: string): string => `${services.settings.webUrl}/requests/new?task=${encodeURIComponent(task)}`,
    explainUrl: (decisionId: string): string => explainUrl(services, decisionId),
    watch: (listener: (event: ControlPlaneEvent) => void, signal: AbortSignal): void =>
      watchChanges(services, listener, signal),
  };
}

function explainUrl(services: Pick<Services, 'settings'>, decisionId: string): string {
  return `${services.settings.webUrl}/explain/${isId(decisionId, 'dec') ? decisionId : ''}`;
}

/** Anything not known is logged here and `internal` there: its text may quote a row. */
function toTaskgateError(error: unknown, services: Pick<Services, 'log'>, gateway: string): TaskgateError {
  const translated = translateStoreError(error);
  if (translated instanceof TaskgateError) return translated;
  services.log.error('the control plane failed', { gateway, error: error instanceof Error ? error.name : 'unknown' });
  return new TaskgateError('internal', 'the control plane failed; see its log', { cause: error });
}
