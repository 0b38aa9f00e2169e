import { isId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { newId, type Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { type MeView, toMe } from './load-me.ts';
import { toActor } from './to-actor.ts';
import type { UserRow } from './user-view.ts';
import type { ClientFacts } from './verify-sign-in.ts';
import { WEB_SESSION_MS } from './web-session-life.ts';

export interface StartedSession {
  readonly webSessionId: string;
  readonly user: MeView;
}

const MAX_CLIENT_TEXT = 300;

/**
 * A browser's sign-in of somebody who has proven who they are in this transaction. `previousSessionId`: the sign-in that
 * this browser had before; it ends, so that what may have been planted there is worth nothing.
 */
export async function startWebSession(
  tx: Transaction,
  services: Services,
  user: UserRow,
  client: ClientFacts,
  how: { readonly previousSessionId: string | null; readonly passkey: string | null },
): Promise<StartedSession> {
  const at = new Date(services.clock.now());
  const webSessionId = newId(services, 'web');
  const ctx = { services, actor: toActor(user, { via: 'session', viaId: webSessionId, limitedTo: null }) };
  if (isId(how.previousSessionId, 'web'))
    await tx.webSession.updateMany({ where: { id: how.previousSessionId, endedAt: null }, data: { endedAt: at } });
  await tx.webSession.create({
    data: {
      id: webSessionId,
      userId: user.id,
      createdAt: at,
      lastSeenAt: at,
      expiresAt: new Date(at.getTime() + WEB_SESSION_MS),
      userAgent: client.userAgent.slice(0, MAX_CLIENT_TEXT),
      address: client.address.slice(0, MAX_CLIENT_TEXT),
    },
  });
  await tx.identity.update({ where: { id: user.id }, data: { lastSignInAt: at } });
  await emitAudit(tx, ctx, {
    action: 'user.sign-in',
    subjectKind: 'user',
    subject: user.id,
    before: null,
    after: {
      webSession: webSessionId,
      address: client.address,
      userAgent: client.userAgent,
      ...(how.passkey === null ? {} : { passkey: how.passkey }),
    },
  });
  return { webSessionId, user: toMe(ctx.actor) };
}
