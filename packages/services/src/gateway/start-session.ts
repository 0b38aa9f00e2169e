import { isId, SecretValue, TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { pinTask, toResourceFacts } from '../grants/load-terms.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireSystem } from '../require-scope.ts';
import { sessionKeyContext } from '../sessions/session-opener.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireActiveGrant } from './active-grant.ts';
import { loadSealedKey } from './load-sealed-key.ts';
import { storableText } from './storable-json.ts';

const KEY_BYTES = 32;
/** What a client says of itself is cut to this. */
const MAX_APPLICATION_LENGTH = 200;

export interface NewSession {
  readonly sessionId: string;
  readonly grantId: string;
  readonly protocol: 'postgres' | 'console';
  readonly clientAddress: string;
  readonly application: string;
  readonly gateway: string;
  readonly startedAt: number;
}

export interface StartedSession {
  /** Base64 of 32 bytes. */
  readonly sessionKey: SecretValue;
  readonly wrappedKey: Uint8Array;
}

/**
 * Writes the session's row and makes its key. Throws `rate-limited` where the grant has reached its `connections`:
 * counted under the grant's row lock, so that connections at the same moment, at any gateway, see each other.
 */
export async function startSession(ctx: ServiceContext, session: NewSession): Promise<StartedSession> {
  requireSystem(ctx, 'gateway');
  if (!isId(session.sessionId, 'ses')) throw new TaskgateError('bad-input', 'that is not a session id');
  const { clock, randomBytes, vault } = ctx.services;
  const key = randomBytes(KEY_BYTES);
  const wrappedKey = new Uint8Array(vault.seal(key, sessionKeyContext(session.sessionId)));
  await withTransaction(ctx, async (tx) => {
    await tx.$queryRaw`select id from grants where id = ${session.grantId} for update`;
    const grant = await requireActiveGrant(tx, session.grantId, clock.now());
    const { terms } = await pinTask(tx, grant.task.source, toResourceFacts(grant.task.resource));
    const { connections } = terms.limits;
    if (connections !== null) {
      const live = await tx.session.count({ where: { grantId: session.grantId, endedAt: null } });
      if (live >= connections)
        throw new TaskgateError(
          'rate-limited',
          `the grant has its ${connections} ${connections === 1 ? 'connection' : 'connections'} already; close one first`,
        );
    }
    const row = {
      id: session.sessionId,
      grantId: session.grantId,
      protocol: session.protocol,
      clientAddress: session.clientAddress,
      application: storableText(session.application).slice(0, MAX_APPLICATION_LENGTH),
      gateway: session.gateway,
      startedAt: new Date(session.startedAt),
    };
    await tx.session.create({ data: { ...row, wrappedKey } });
    await emitAudit(tx, ctx, {
      action: 'session.start',
      subjectKind: 'session',
      subject: row.id,
      before: null,
      after: row,
    });
    await notifyChange(tx, { topic: 'sessions', id: row.id, userId: grant.userId });
  });
  return { sessionKey: new SecretValue(Buffer.from(key).toString('base64')), wrappedKey };
}

/** The key of a session that a gateway left open, as its recording's header has it. Throws where it was sealed for another. */
export function openSessionKey(ctx: ServiceContext, sessionId: string, wrappedKey: Uint8Array): SecretValue {
  requireSystem(ctx, 'gateway');
  const key = ctx.services.vault.open(wrappedKey, sessionKeyContext(sessionId));
  return new SecretValue(Buffer.from(key).toString('base64'));
}

/** The key under which gateways of this installation keep what they are about to forward. */
export async function loadJournalKey(ctx: ServiceContext): Promise<SecretValue> {
  requireSystem(ctx, 'gateway');
  return new SecretValue(Buffer.from(await loadSealedKey(ctx.services, 'journal-key')).toString('base64'));
}

/** Live sessions of a gateway of this name. */
export async function loadUnfinishedSessions(
  ctx: ServiceContext,
  gatewayName: string,
): Promise<readonly { readonly sessionId: string }[]> {
  requireSystem(ctx, 'gateway');
  const rows = await ctx.services.db.session.findMany({
    where: { gateway: gatewayName, endedAt: null },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  return rows.map((row) => ({ sessionId: row.id }));
}
