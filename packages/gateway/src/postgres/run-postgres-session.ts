import type { Duplex } from 'node:stream';
import { createId, TaskgateError } from '@taskgate/core';
import {
  encodeBackendKeyData,
  encodeBackendMessage,
  encodeFatal,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '@taskgate/protocol-postgres';
import type { LiveSessions } from '../live-sessions.ts';
import type { GatewayPorts } from '../ports.ts';
import { createSessionRecorder } from '../recording/session-recorder.ts';
import type { SpoolIndexer } from '../recording/spool-indexer.ts';
import { withinDeadline } from '../within-deadline.ts';
import { ClientRefused, type MeaningfulSettings } from './accept-client.ts';
import type { CancelRegistry } from './cancel-registry.ts';
import { connectLeased, pinnedSettings } from './connect-target.ts';
import type { DecisionContexts } from './decision-context.ts';
import type { GrantBudgets } from './grant-budgets.ts';
import { PostgresSession } from './postgres-session.ts';
import { isShownParameter } from './read-replies.ts';
import { createNameTables, type SessionObserver, type SessionState } from './session-state.ts';

const STORE_DEADLINE_MS = 5_000;
/** The grant's role may have to be made at the target first, which has 10 seconds to answer. */
const LEASE_DEADLINE_MS = 15_000;
/** Reading a catalog asks the target. */
const CATALOG_DEADLINE_MS = 30_000;

export interface SessionRequest {
  /** Authenticated: whoever is on the other end holds the grant's token or a console ticket. */
  readonly client: Duplex;
  readonly grantId: string;
  readonly database: string | null;
  readonly task: string | null;
  readonly settings: ReadonlyMap<string, string>;
  readonly meaningful: MeaningfulSettings | null;
  readonly application: string;
  readonly clientAddress: string;
  readonly via: 'postgres' | 'console';
  readonly rest: Uint8Array;
  readonly notices: readonly Uint8Array[];
  readonly observer: SessionObserver | null;
  readonly onStarted?: (session: PostgresSession) => void;
}

export interface SessionPorts extends GatewayPorts {
  readonly contexts: DecisionContexts;
  readonly budgets: GrantBudgets;
  readonly cancels: CancelRegistry;
  readonly live: LiveSessions;
  readonly indexer: SpoolIndexer;
}

/**
 * A session from the proof of the token to its end: pins what decides, opens the recording, leases the credential,
 * connects, pumps. The client is told of a failure in the protocol's form; the promise never rejects.
 */
export async function runPostgresSession(request: SessionRequest, ports: SessionPorts): Promise<void> {
  const { client } = request;
  const opening = new AbortController();
  const gone = (): void => opening.abort();
  client.once('close', gone);
  try {
    await openSession(request, ports, opening.signal);
  } catch (error) {
    if (error instanceof ClientRefused) {
      client.end(error.response);
      setTimeout(() => client.destroy(), 500).unref();
      return;
    }
    if (!(error instanceof TaskgateError))
      ports.log.error('session could not be opened', {
        error: String(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    else
      ports.log.warn('session could not be opened', {
        code: error.code,
        message: error.message,
        cause: String(error.cause ?? ''),
      });
    const [sqlstate, message] =
      error instanceof TaskgateError && error.code !== 'internal'
        ? [sqlstateOf(error), error.message]
        : ['XX000', 'internal error in the gate; its log has more'];
    if (!client.destroyed) client.end(encodeFatal(sqlstate, message, hintOf(error)));
    setTimeout(() => client.destroy(), 500).unref();
  } finally {
    client.off('close', gone);
  }
}

async function openSession(request: SessionRequest, ports: SessionPorts, signal: AbortSignal): Promise<void> {
  const { controlPlane, clock } = ports;
  const { client, via } = request;
  const { changes } = ports.live;
  const grant = await withinDeadline(controlPlane.openGrant(request.grantId), STORE_DEADLINE_MS);
  const wanted = request.database ?? request.task;
  if (wanted !== null && wanted !== grant.resource.database)
    throw new TaskgateError(
      'not-found',
      `task \`${grant.task.name}\` opens the database \`${grant.resource.database}\`, not \`${wanted}\`; use dbname=${grant.resource.database}`,
    );
  const context = await withinDeadline(ports.contexts.load(grant, { refresh: false }), CATALOG_DEADLINE_MS);
  const uncontained = context.policies.unrestricted;
  if (request.meaningful !== null && !uncontained) throw request.meaningful.refusal;

  const sessionId = createId('ses', clock.now(), ports.randomBytes);
  const started = await withinDeadline(
    controlPlane.startSession({
      sessionId,
      grantId: grant.grantId,
      protocol: via,
      clientAddress: request.clientAddress,
      application: request.application.slice(0, 200),
      gateway: ports.gatewayName,
      startedAt: clock.now(),
    }),
    STORE_DEADLINE_MS,
  );
  const recorder = createSessionRecorder({
    sessionId,
    sessionKey: started.sessionKey,
    wrappedKey: started.wrappedKey,
    spool: ports.spool,
    journal: ports.journal,
    clock,
    onWritten: (written) => ports.indexer.touch(sessionId, written),
  });
  recorder.append({
    kind: 'session-start',
    sessionId,
    grantId: grant.grantId,
    task: {
      name: grant.task.name,
      revision: grant.task.revision,
      ...(grant.task.document === null ? {} : { document: grant.task.document }),
    },
    policies: grant.policies.map(({ name, revision }) => ({ name, revision })),
    identity: grant.identity,
    resource: { id: grant.resource.id, name: grant.resource.name },
    client: {
      address: request.clientAddress,
      application: request.application === '' ? null : request.application.slice(0, 200),
    },
    protocol: via,
    gateway: ports.gatewayName,
  });
  const endEarly = (detail: string): void =>
    recorder.end({ kind: 'session-end', reason: 'error', detail, bytesIn: 0, bytesOut: 0 });
  try {
    recorder.flush();
  } catch (error) {
    // Written when there is room again: else the store would take the session for live until the next start.
    endEarly('the recording could not be written');
    throw error;
  }
  const lease = () => withinDeadline(controlPlane.leaseCredential(grant.grantId), LEASE_DEADLINE_MS);
  let target: Awaited<ReturnType<typeof connectLeased>>;
  try {
    const settings = new Map([
      ...(request.meaningful?.settings ?? []),
      ...request.settings,
      ...(uncontained ? [] : pinnedSettings(context.catalog.searchPath)),
    ]);
    settings.delete('user');
    settings.delete('database');
    target = await connectLeased(lease, settings, signal);
    if (signal.aborted) {
      // Its `close` is over: no session would hear of it, and this one would live on with nobody there.
      target.socket.destroy();
      throw new TaskgateError('invalid-state', 'the client left before the session began');
    }
  } catch (error) {
    endEarly(error instanceof TaskgateError ? error.message : 'the resource could not be opened');
    throw error;
  }

  const { budget, release } = ports.budgets.open(grant.grantId, grant.limits);
  const state: SessionState = {
    sessionId,
    ports,
    parametersAtStart: target.parameters,
    via,
    grant,
    context,
    uncontained,
    contextStale: false,
    catalogStale: false,
    recorder,
    runPorts: {
      recorder,
      clock,
      recordResults: grant.record.results === 'masked',
      onShape: (decisionId, columns) => request.observer?.onShape(decisionId, columns),
      context: () => state.context,
    },
    budget,
    observer: request.observer,
    ...createNameTables(),
    replies: [],
    transaction: 'idle',
    copyIn: null,
    batchOpen: false,
    blockEnded: false,
    skipToSync: false,
    interruption: null,
    converted: false,
    convertedRun: null,
    withheld: null,
    lastRun: null,
  };
  const session = new PostgresSession(state, client, target, {
    contexts: ports.contexts,
    reloadGrant: () => controlPlane.openGrant(grant.grantId),
    lease,
    holdChanged: (holdId, until) => ports.live.holdChanged(holdId, until),
  });
  const key = ports.cancels.register(() => session.cancel());
  const unwatch = ports.contexts.watch(grant.resource.id);
  const unregister = ports.live.register({ sessionId, grantId: grant.grantId, expiresAt: grant.expiresAt, session });
  // Published while the target was being connected: nothing is decided by what was in force before.
  if (ports.live.changes !== changes) state.contextStale = true;

  client.write(
    Buffer.concat([
      encodeBackendMessage({ kind: 'authentication', request: { kind: 'ok' } }),
      ...[...target.parameters]
        .filter(([name]) => uncontained || isShownParameter(name))
        .map(([name, value]) => encodeParameterStatus(name, value)),
      encodeBackendKeyData(key.processId, key.secret),
      ...request.notices,
      encodeReadyForQuery('idle'),
    ]),
  );
  request.onStarted?.(session);
  session.start(request.rest, target.rest);
  // Ended while the target was being connected, when there was no session to tell: nothing else would end this one.
  controlPlane.openGrant(grant.grantId).catch((error: unknown) => {
    if (error instanceof TaskgateError && (error.code === 'grant-ended' || error.code === 'grant-expired'))
      session.end(error.code === 'grant-expired' ? 'expired' : 'grant-ended', '57P01', error.message, null);
  });

  const ending = await session.done;
  release();
  key.unregister();
  unregister();
  unwatch();
  recorder.end({
    kind: 'session-end',
    reason: ending.reason,
    detail: ending.detail,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
  });
}

function sqlstateOf(error: TaskgateError): string {
  switch (error.code) {
    case 'not-found':
      return '3D000';
    case 'grant-expired':
    case 'grant-ended':
      return '28000';
    case 'rate-limited':
    case 'too-large':
    case 'conflict':
    case 'invalid-state':
      return '53300';
    case 'resource-unreachable':
    case 'credential-refused':
    case 'principal-unavailable':
      return '08001';
    case 'store-unavailable':
    case 'record-unavailable':
      return '57P03';
    default:
      return '58000';
  }
}

function hintOf(error: unknown): string | null {
  if (!(error instanceof TaskgateError)) return null;
  switch (error.code) {
    case 'resource-unreachable':
    case 'credential-refused':
    case 'principal-unavailable':
      return 'this is about the resource behind the gate: tell an admin';
    case 'store-unavailable':
    case 'record-unavailable':
      return 'try again in a moment; nothing was forwarded';
    default:
      return null;
  }
}
