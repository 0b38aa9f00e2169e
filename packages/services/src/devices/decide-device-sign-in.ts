import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { forgiveOne } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';
import { countUserCodeAttempt, lockWaiting, requireOwnSignIn } from './find-device-sign-in.ts';

/** Lets a device act as the caller, or not. Throws `not-found`, `rate-limited`. */
export async function decideDeviceSignIn(
  ctx: ServiceContext,
  input: unknown,
  clientAddress: string,
): Promise<{ allowed: boolean }> {
  const actor = requireOwnSignIn(ctx);
  const { userCode, allow } = parseInput(inputOf(contract.devices.decide), input);
  const keys = await countUserCodeAttempt(ctx, actor, clientAddress);
  return withTransaction(ctx, async (tx) => {
    const row = await lockWaiting(tx, userCode, ctx.services.clock.now());
    await forgiveOne(tx, keys);
    await tx.deviceSignIn.update({
      where: { id: row.id },
      data: { state: allow ? 'approved' : 'denied', identityId: actor.identityId },
    });
    await emitAudit(tx, ctx, {
      action: allow ? 'device.allow' : 'device.deny',
      subjectKind: 'user',
      subject: actor.identityId,
      before: null,
      after: { device: row.id, name: row.name, address: row.address },
    });
    return { allowed: allow };
  });
}
