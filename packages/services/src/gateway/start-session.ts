import { isId, SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { subtreeOf } from '../grants/grant-reach.ts';
import { lockTree } from '../grants/grant-row.ts';
import { loadLimitsAbove } from '../grants/load-limits-above.ts';
import { pinTask, toResourceFacts } from '../grants/load-terms.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireSystem } from '../require-scope.ts';
import { sessionKeyContext } from '../sessions/session-opener.ts';
import { withTransaction } from '../with-transaction.ts';
import { type ActiveGrant, requireActiveGrant } from './active-grant.ts';
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

/** Writes the session's row and makes its key. Throws `rate-limited` where the grant, or one above it, has its `connections`. */
export async function startSession(ctx: ServiceContext, session: NewSession): Promise<StartedSession> {
  requireSystem(ctx, 'gateway');
  if (!isId(session.sessionId, 'ses')) throw new TaskgateError('bad-input', 'that is not a session id');
  const { clock, randomBytes, vault } = ctx.services;
  const key = randomBytes(KEY_BYTES);
  const wrappedKey = new Uint8Array(vault.seal(key, sessionKeyContext(session.sessionId)));
  await withTransaction(ctx, async (tx) => {
    // Under the lock of the tree: connections at the same moment, at any gateway, see each other.
    await lockTree(tx, session.grantId);
    const grant = await requireActiveGrant(tx, session.grantId, clock.now());
    const { source, resource } = grant.task;
    const { terms } = await pinTask(tx, { source, limits: grant.limits }, toResourceFacts(resource));
    await requireConnectionLeft(tx, grant, terms.limits.connections);
    const row = {
      id: session.sessionId,
      grantId: session.grantId,
      protocol: session.protocol,
      clientAddress: session.clientAddress,
      application: storableText(session.application).slice(0, MAX_APPLICATION_LENGTH),
      gateway: session.gateway,
      startedAt: new Date(session.startedAt),
    };
    // What is published later may ask for more, and for no less.
    await tx.session.create({ data: { ...row, wrappedKey, keepMs: terms.record.keepMs } });
    await emitAudit(tx, ctx, {
      action: 'session.start',
      subjectKind: 'session',
      subject: row.id,
      before: null,
      after: row,
    });
    await notifyChange(tx, { topic: 'sessions', id: row.id, userId: grant.identityId });
  });
  return { sessionKey: new SecretValue(Buffer.from(key).toString('base64')), wrappedKey };
}

/** What is connected under a grant counts for every grant above it. */
async function requireConnectionLeft(tx: Transaction, grant: ActiveGrant, connections: number | null): Promise<void> {
  for (const { grantId, limits } of await loadLimitsAbove(tx, grant.ancestorIds))
    await requireFewer(tx, grantId, limits.connections, 'a grant above it has, with all below,');
  await requireFewer(tx, grant.id, connections, 'the grant has');
}

async function requireFewer(
  tx: Transaction,
  grantId: string,
  connections: number | null,
  whose: string,
): Promise<void> {
  if (connections === null) return;
  const live = await tx.session.count({ where: { grant: subtreeOf(grantId), endedAt: null } });
  if (live < connections) return;
  throw new TaskgateError(
    'rate-limited',
    `${whose} its ${connections} ${connections === 1 ? 'connection' : 'connections'} already; close one first`,
  );
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
