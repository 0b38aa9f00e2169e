import { Email } from '@taskgate/contracts';
import { isId } from '@taskgate/core';
import * as z from 'zod';
import { newId, type Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { parseInput } from '../parse-input.ts';
import { withTransaction } from '../with-transaction.ts';
import { type MeView, toMe } from './load-me.ts';
import { toActor } from './to-actor.ts';
import { type ClientFacts, requireStillVerified, verifySignIn } from './verify-sign-in.ts';
import { WEB_SESSION_MS } from './web-session-life.ts';

const SignInInput = z.object({
  email: Email,
  password: z.string().min(1).max(200),
  /** The sign-in that this browser had before: it ends, so that what may have been planted there is worth nothing. */
  previousSessionId: z.string().max(60).nullable().default(null),
});
const MAX_CLIENT_TEXT = 300;

/** The browser's sign-in: a new row every time, which is checked at each request. Throws `wrong-password`, `rate-limited`. */
export async function signIn(
  services: Services,
  input: z.input<typeof SignInInput>,
  client: ClientFacts,
): Promise<{ readonly webSessionId: string; readonly user: MeView }> {
  const { email, password, previousSessionId } = parseInput(SignInInput, input);
  const verified = await verifySignIn(services, { email, password }, client);
  const { user } = verified;
  return withTransaction({ services }, async (tx) => {
    await requireStillVerified(tx, verified);
    const at = new Date(services.clock.now());
    const webSessionId = newId(services, 'web');
    const ctx = { services, actor: toActor(user, { via: 'session', viaId: webSessionId, limitedTo: null }) };
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
      },
    });
    await tx.identity.update({ where: { id: user.id }, data: { lastSignInAt: at } });
    await emitAudit(tx, ctx, {
      action: 'user.sign-in',
      subjectKind: 'user',
      subject: user.id,
      before: null,
      after: { webSession: webSessionId, address: client.address, userAgent: client.userAgent },
    });
    return { webSessionId, user: toMe(ctx.actor) };
  });
}
