import { contract, type DeviceSignIn } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { hashToken, normalizeUserCode } from '@taskgate/identity';
import type * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { countAttempts, forgiveOne } from '../people/verify-sign-in.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';

export type DeviceSignInView = z.infer<typeof DeviceSignIn>;

/** What asks to be signed in under this code. Throws `not-found`, `rate-limited`. */
export async function findDeviceSignIn(
  ctx: ServiceContext,
  input: unknown,
  clientAddress: string,
): Promise<DeviceSignInView> {
  const actor = requireOwnSignIn(ctx);
  const { userCode } = parseInput(inputOf(contract.devices.find), input);
  const keys = await countUserCodeAttempt(ctx, actor, clientAddress);
  const row = await withTransaction(ctx, async (tx) => {
    const waiting = await lockWaiting(tx, userCode, ctx.services.clock.now());
    await forgiveOne(tx, keys);
    return waiting;
  });
  return {
    name: row.name,
    address: row.address,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}

/** Only who signed in at a browser lets a device in: a token that makes tokens would outlive its own revocation. */
export function requireOwnSignIn(ctx: ServiceContext): IdentityActor {
  const actor = requirePerson(ctx);
  if (actor.via !== 'session')
    throw new TaskgateError('forbidden', 'a token cannot sign a device in; sign in to the web and do it there');
  return actor;
}

/**
 * A code has 34 bits and lives for ten minutes: whoever guesses must be slow. A right code takes back its own attempt
 * alone: with devices of their own waiting, a guesser has as many right ones as they like.
 */
export async function countUserCodeAttempt(
  ctx: ServiceContext,
  actor: IdentityActor,
  address: string,
): Promise<readonly string[]> {
  const keys = { email: `device code:${actor.identityId}`, address: `device code at:${address}` };
  await countAttempts(ctx.services, keys);
  return [keys.email, keys.address];
}

/** The waiting row of a code, held until the transaction ends. */
export async function lockWaiting(tx: Transaction, typed: string, now: number) {
  const userCode = normalizeUserCode(typed);
  const none = new TaskgateError('not-found', 'no device waits with this code; look at it again, or start again there');
  if (userCode === null) throw none;
  const userHash = hashToken(new SecretValue(userCode));
  await tx.$queryRaw`select id from device_sign_ins where "userHash" = ${userHash} for update`;
  const row = await tx.deviceSignIn.findUnique({ where: { userHash } });
  if (row === null || row.state !== 'waiting' || row.expiresAt.getTime() <= now) throw none;
  return row;
}
