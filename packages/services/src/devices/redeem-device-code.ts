import { SecretValue } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { OAuthRefusal } from '../oauth/oauth-refusal.ts';
import { issueCliToken } from '../people/issue-cli-token.ts';
import { toActor } from '../people/to-actor.ts';
import { USER_SELECT } from '../people/user-view.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';

export interface DeviceToken {
  readonly token: string;
  readonly expiresAt: number;
  readonly email: string;
  readonly name: string;
}

/** How much longer a device that asks too often has to wait (RFC 8628, section 3.5). */
const SLOWER_MS = 5_000;

type Answer = { readonly refusal: OAuthRefusal } | { readonly token: DeviceToken };

/**
 * A device asks whether it was let in: once, an API token with the scopes of the person who let it in. Throws
 * {@link OAuthRefusal}: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`.
 */
export async function redeemDeviceCode(
  services: Services,
  deviceCode: string,
  client: ClientFacts,
): Promise<DeviceToken> {
  if (!isToken(deviceCode, 'device')) throw new OAuthRefusal('invalid_grant', 'that is not a device code');
  const deviceHash = hashToken(new SecretValue(deviceCode));
  // A refusal is a result here, not an error: what it notes of the poll must be committed.
  const answer = await withTransaction({ services }, async (tx): Promise<Answer> => {
    const now = services.clock.now();
    await tx.$queryRaw`select id from device_sign_ins where "deviceHash" = ${deviceHash} for update`;
    const row = await tx.deviceSignIn.findUnique({ where: { deviceHash } });
    if (row === null || row.state === 'redeemed')
      return { refusal: new OAuthRefusal('invalid_grant', 'this device code is not known, or was used already') };
    if (row.expiresAt.getTime() <= now)
      return { refusal: new OAuthRefusal('expired_token', 'nobody let this device in in time; start again') };
    if (row.state === 'denied')
      return { refusal: new OAuthRefusal('access_denied', 'the sign-in was refused in the browser') };
    if (row.state === 'waiting') {
      // Clocks of device and server are not the same: a second of grace.
      const early = row.lastPolledAt !== null && now - row.lastPolledAt.getTime() < row.intervalMs - 1_000;
      const intervalMs = early ? row.intervalMs + SLOWER_MS : row.intervalMs;
      await tx.deviceSignIn.update({ where: { id: row.id }, data: { lastPolledAt: new Date(now), intervalMs } });
      return {
        refusal: early
          ? new OAuthRefusal('slow_down', `ask every ${intervalMs / 1000} seconds`)
          : new OAuthRefusal('authorization_pending', 'nobody has let this device in yet'),
      };
    }
    await tx.$queryRaw`select id from identities where id = ${row.identityId} for update`;
    const user = await tx.identity.findUnique({ where: { id: row.identityId! }, select: USER_SELECT });
    if (user === null || user.disabledAt !== null)
      return { refusal: new OAuthRefusal('access_denied', 'whoever let this device in is disabled') };
    const actor = toActor(user, { via: 'api-token', viaId: '', limitedTo: null });
    const ctx = { services, actor };
    const {
      row: made,
      token,
      expiresAt,
    } = await issueCliToken(tx, ctx, {
      identityId: user.id,
      name: row.name,
      scopes: actor.scopes,
    });
    await tx.deviceSignIn.update({ where: { id: row.id }, data: { state: 'redeemed' } });
    await emitAudit(tx, ctx, {
      action: 'user.sign-in',
      subjectKind: 'user',
      subject: user.id,
      before: null,
      after: { device: row.id, apiToken: made.id, address: client.address, userAgent: client.userAgent },
    });
    return {
      token: {
        token: token.reveal((text) => text),
        expiresAt: expiresAt.getTime(),
        email: actor.email,
        name: made.name,
      },
    };
  });
  if ('refusal' in answer) throw answer.refusal;
  return answer.token;
}
