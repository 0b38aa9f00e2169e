import { SecretValue, TaskgateError } from '@taskgate/core';
import { verifyPassword } from '@taskgate/identity';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { countAttempts, forgiveAttempts, ownAttemptKeys } from '../people/verify-sign-in.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { CHALLENGE_MS } from './challenge.ts';
import { type AssertionInput, checkAssertion } from './check-assertion.ts';

export interface Proof {
  readonly password: string | null;
  readonly assertion: AssertionInput | null;
}

/**
 * That it is the person, and not somebody at their open browser or with their token: their password, or a passkey of
 * theirs; of who has neither, a sign-in of a moment ago. Throws `step-up-required`, `wrong-password`, `wrong-passkey`.
 */
export async function provePerson(ctx: ServiceContext, actor: IdentityActor, proof: Proof): Promise<void> {
  const { services } = ctx;
  if (proof.assertion !== null) {
    await checkAssertion(services, proof.assertion, { purpose: 'prove', identityId: actor.identityId, subject: '' });
    return;
  }
  const { passwordHash, _count } = await services.db.identity.findUniqueOrThrow({
    where: { id: actor.identityId },
    select: { passwordHash: true, _count: { select: { passkeys: true } } },
  });
  if (passwordHash === null && _count.passkeys === 0) return requireFreshSignIn(ctx, actor);
  if (proof.password === null || passwordHash === null)
    throw new TaskgateError(
      'step-up-required',
      'confirm that it is you: give your password, or use a passkey you have',
    );
  // A stolen session must not be a place to guess the password at.
  const keys = ownAttemptKeys(actor);
  await countAttempts(services, keys);
  if (!(await verifyPassword(passwordHash, new SecretValue(proof.password))).ok)
    throw new TaskgateError('wrong-password', 'the password is wrong', {
      problems: [{ path: 'password', message: 'this is not your password', position: null }],
    });
  await withTransaction(ctx, (tx) => forgiveAttempts(tx, keys));
}

/**
 * The same of a caller who is about to become able to act as somebody else, or to make them act by less. The product
 * itself proves nothing; a machine has nothing to prove it by, and may not. Throws `forbidden` too.
 */
export async function proveCaller(ctx: ServiceContext, proof: Proof | undefined): Promise<void> {
  if (ctx.actor.kind === 'system') return;
  await provePerson(ctx, requirePerson(ctx), proof ?? { password: null, assertion: null });
}

/**
 * The same for who says how people come in, or what a group of theirs gives: by a sign-in, as a token that was stolen must
 * not outlive itself in a way in of its thief's. Only setup needs neither. Throws `forbidden` too.
 */
export async function proveSignedIn(ctx: ServiceContext, proof: Proof | undefined): Promise<void> {
  if (ctx.actor.kind !== 'system' && ctx.actor.via !== 'session')
    throw new TaskgateError('forbidden', 'a token cannot do this; sign in to the web and do it there');
  await proveCaller(ctx, proof);
}

async function requireFreshSignIn({ services }: ServiceContext, actor: IdentityActor): Promise<void> {
  const since = new Date(services.clock.now() - CHALLENGE_MS);
  const fresh =
    actor.via === 'session' &&
    (await services.db.webSession.count({ where: { id: actor.viaId, endedAt: null, createdAt: { gt: since } } })) === 1;
  if (!fresh)
    throw new TaskgateError(
      'step-up-required',
      'confirm that it is you: sign out, sign in again, and do this within five minutes',
    );
}
