import { isId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { type IdentityActor, newId, type Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { toActor } from './to-actor.ts';
import type { UserRow } from './user-view.ts';
import type { ClientFacts } from './verify-sign-in.ts';
import { WEB_SESSION_MS } from './web-session-life.ts';

const MAX_CLIENT_TEXT = 300;

/** A sign-in of somebody whom the caller has proven, in the transaction of the proof: a new row every time. */
export async function openWebSession(
  tx: Transaction,
  services: Services,
  whose: {
    readonly user: UserRow;
    /** The sign-in that this browser had before: it ends, so that what may have been planted there is worth nothing. */
    readonly previousSessionId: string | null;
    /** `null`: by a password here. */
    readonly provider: { readonly id: string; readonly name: string } | null;
    /** The passkey that proved it; `null`: by something else. */
    readonly passkey: string | null;
  },
  client: ClientFacts,
): Promise<{ readonly webSessionId: string; readonly actor: IdentityActor }> {
  const { user, previousSessionId, provider, passkey } = whose;
  const at = new Date(services.clock.now());
  const webSessionId = newId(services, 'web');
  const actor = toActor(user, { via: 'session', viaId: webSessionId, limitedTo: null });
  if (isId(previousSessionId, 'web'))
    await tx.webSession.updateMany({ where: { id: previousSessionId, endedAt: null }, data: { endedAt: at } });
  await tx.webSession.create({
    data: {
      id: webSessionId,
      userId: user.id,
      createdAt: at,
      lastSeenAt: at,
      expiresAt: new Date(at.getTime() + WEB_SESSION_MS),
      userAgent: client.userAgent.slice(0, MAX_CLIENT_TEXT),
      address: client.address.slice(0, MAX_CLIENT_TEXT),
      providerId: provider?.id ?? null,
    },
  });
  await tx.identity.update({ where: { id: user.id }, data: { lastSignInAt: at } });
  await emitAudit(
    tx,
    { services, actor },
    {
      action: 'user.sign-in',
      subjectKind: 'user',
      subject: user.id,
      before: null,
      after: {
        webSession: webSessionId,
        provider: provider?.name ?? null,
        ...(passkey === null ? {} : { passkey }),
        address: client.address,
        userAgent: client.userAgent,
      },
    },
  );
  return { webSessionId, actor };
}
