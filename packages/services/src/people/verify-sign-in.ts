import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import {
  ADDRESS_LIMITS,
  type AttemptLimits,
  attemptWaitMs,
  countAttempt,
  EMAIL_LIMITS,
  hashPassword,
  verifyPassword,
} from '@taskgate/identity';
import type { IdentityActor, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { translateStoreError, withTransaction } from '../with-transaction.ts';
import { USER_SELECT, type UserRow } from './user-view.ts';

/** Where a sign-in comes from, as the web saw it. */
export interface ClientFacts {
  readonly address: string;
  readonly userAgent: string;
}

/** Who proved to be a user, and the hash that it was proven against: see {@link requireStillVerified}. */
export interface VerifiedUser {
  readonly user: UserRow;
  readonly passwordHash: string;
}

/**
 * The user of this e-mail address and password. One message and one time for every way to be wrong: what is refused does
 * not tell who exists. Throws `wrong-password` or `rate-limited`.
 */
export async function verifySignIn(
  services: Services,
  credentials: { readonly email: string; readonly password: string },
  client: ClientFacts,
): Promise<VerifiedUser> {
  const email = credentials.email.toLowerCase();
  const password = new SecretValue(credentials.password);
  const keys = await attemptKeys(services, email, client.address);
  await countAttempts(services, keys);

  const found = await services.db.identity
    .findUnique({ where: { email }, select: { ...USER_SELECT, passwordHash: true } })
    .catch((error: unknown) => {
      throw translateStoreError(error);
    });
  const verdict = await verifyPassword(found?.passwordHash ?? null, password);
  if (!found || !verdict.ok || found.passwordHash === null || found.disabledAt !== null) {
    await recordFailure(services, found, client);
    throw wrongPassword();
  }
  const { passwordHash, ...user } = found;
  const renewed = verdict.outdated ? await hashPassword(password) : null;
  await withTransaction({ services }, async (tx) => {
    await forgiveAttempts(tx, keys);
    if (renewed !== null) await tx.identity.update({ where: { id: user.id }, data: { passwordHash: renewed } });
  });
  await dropForgottenAttempts(services);
  return { user, passwordHash: renewed ?? passwordHash };
}

/**
 * To be called in the transaction that signs somebody in: a password takes a while to check, and one that was changed,
 * or a person who was disabled, in that while must not leave a sign-in behind. Throws `wrong-password`.
 */
export async function requireStillVerified(tx: Transaction, { user, passwordHash }: VerifiedUser): Promise<void> {
  await tx.$queryRaw`SELECT id FROM identities WHERE id = ${user.id} FOR UPDATE`;
  if ((await tx.identity.count({ where: { id: user.id, passwordHash, disabledAt: null } })) === 0)
    throw wrongPassword();
}

const wrongPassword = (): TaskgateError =>
  new TaskgateError('wrong-password', 'the e-mail address or the password is wrong');

const KNOWN_ADDRESS_MS = 30 * 86_400_000;

/**
 * Whoever guesses uses up the attempts of an e-mail address, and of the address they share with others, as those come.
 * So that they cannot keep an owner out, a pair of both that has signed in lately has attempts of its own.
 */
async function attemptKeys(services: Services, email: string, address: string): Promise<AttemptKeys> {
  const since = new Date(services.clock.now() - KNOWN_ADDRESS_MS);
  const known = await services.db.webSession
    .findFirst({ where: { address, createdAt: { gt: since }, user: { email } }, select: { id: true } })
    .catch((error: unknown) => {
      throw translateStoreError(error);
    });
  return known === null
    ? { email: `email:${email}`, address: `address:${address}` }
    : { email: `email:${email} at ${address}`, address: `address:${address} of ${email}` };
}

/** What a guess uses up: the attempts at one account, and those of a source. */
export interface AttemptKeys {
  readonly email: string;
  readonly address: string;
}

/** Of who is signed in: whoever guesses at their address from outside must not keep them from what asks for their password. */
export const ownAttemptKeys = ({ identityId }: IdentityActor): AttemptKeys => ({
  email: `own password:${identityId}`,
  address: `user:${identityId}`,
});

/** Counts this attempt before it is tried, so that a thousand at once are a thousand. */
export async function countAttempts(services: Services, keys: AttemptKeys): Promise<void> {
  const wait = await withTransaction({ services }, async (tx) => {
    const now = services.clock.now();
    // Always in this order: two sign-ins never wait for each other in a circle.
    const forAddress = await countAttemptOn(tx, keys.address, ADDRESS_LIMITS, now);
    return forAddress > 0 ? forAddress : countAttemptOn(tx, keys.email, EMAIL_LIMITS, now);
  });
  if (wait > 0)
    throw new TaskgateError('rate-limited', `too many attempts; try again in ${Math.ceil(wait / 1000)} seconds`);
}

/**
 * Counts one attempt on `key`; gives the milliseconds to wait where there were too many, and then counts none. The caller
 * has checked nobody: this is before there is a caller.
 */
export async function countAttemptOn(
  tx: Transaction,
  key: string,
  limits: AttemptLimits,
  now: number,
): Promise<number> {
  const at = new Date(now);
  await tx.attemptWindow.createMany({
    data: [{ key, count: 0, windowStart: at, lastAt: at }],
    skipDuplicates: true,
  });
  await tx.$queryRaw`SELECT key FROM attempt_windows WHERE key = ${key} FOR UPDATE`;
  const row = await tx.attemptWindow.findUniqueOrThrow({ where: { key } });
  const window = { count: row.count, windowStart: row.windowStart.getTime(), lastAt: row.lastAt.getTime() };
  const wait = attemptWaitMs(window, limits, now);
  if (wait > 0) return wait;
  const next = countAttempt(window, limits, now);
  await tx.attemptWindow.update({
    where: { key },
    data: { count: next.count, windowStart: new Date(next.windowStart), lastAt: new Date(next.lastAt) },
  });
  return 0;
}

/** The right password clears its e-mail address. Of the source address only this attempt: it may guess at others too. */
export async function forgiveAttempts(tx: Transaction, keys: AttemptKeys): Promise<void> {
  await forgiveOne(tx, [keys.address]);
  await tx.attemptWindow.deleteMany({ where: { key: keys.email } });
}

/** This attempt was right; those before it stay as they were. */
export async function forgiveOne(tx: Transaction, keys: readonly string[]): Promise<void> {
  await tx.attemptWindow.updateMany({
    where: { key: { in: [...keys] }, count: { gt: 0 } },
    data: { count: { decrement: 1 } },
  });
}

/** For somebody who does not exist too: the work, and so the time, is the same. What was typed is not kept: it may be a password. */
export async function recordFailure(services: Services, user: UserRow | null, client: ClientFacts): Promise<void> {
  const ctx = { services, actor: { kind: 'system', via: 'sign-in' } } as const;
  await withTransaction(ctx, (tx) =>
    emitAudit(tx, ctx, {
      action: 'user.sign-in-refused',
      subjectKind: 'user',
      subject: user?.id ?? 'unknown',
      before: null,
      after: {
        provider: null,
        address: client.address,
        userAgent: client.userAgent,
        disabled: user !== null && user.disabledAt !== null,
      },
    }),
  );
}

/** Rows of attempts that nobody remembers; ones in use are left for another time. */
export async function dropForgottenAttempts(services: Services): Promise<void> {
  const before = new Date(services.clock.now() - Math.max(EMAIL_LIMITS.forgetAfterMs, ADDRESS_LIMITS.forgetAfterMs));
  await services.db.$executeRaw`DELETE FROM attempt_windows WHERE key IN (
    SELECT key FROM attempt_windows WHERE "lastAt" < ${before} LIMIT 1000 FOR UPDATE SKIP LOCKED)`;
}
