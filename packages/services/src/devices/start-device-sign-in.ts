import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, createUserCode, hashToken } from '@taskgate/identity';
import * as z from 'zod';
import { newId, type Services } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';

/** How long a person has to type the code. */
const DEVICE_SIGN_IN_MS = 10 * 60_000;
const POLL_MS = 2_000;
/** Nobody has to sign in to ask: what one address, and all of them, may have waiting. */
const MAX_WAITING_PER_ADDRESS = 20;
const MAX_WAITING = 2_000;

const StartInput = z.object({ name: z.string().trim().min(1).max(100).default('a device') });

export interface StartedDeviceSignIn {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly expiresInMs: number;
  readonly intervalMs: number;
}

/** A device asks to be signed in (RFC 8628, section 3.1). Throws `rate-limited`. */
export async function startDeviceSignIn(
  services: Services,
  input: z.input<typeof StartInput>,
  client: ClientFacts,
): Promise<StartedDeviceSignIn> {
  const { name } = parseInput(StartInput, input);
  const deviceCode = createToken('device', services.randomBytes);
  const userCode = createUserCode(services.randomBytes);
  const write = async (tx: Transaction): Promise<void> => {
    const now = services.clock.now();
    await tx.deviceSignIn.deleteMany({ where: { expiresAt: { lte: new Date(now) } } });
    const waiting = await tx.deviceSignIn.count({ where: { state: 'waiting' } });
    const ofAddress = await tx.deviceSignIn.count({ where: { state: 'waiting', address: client.address } });
    if (waiting >= MAX_WAITING || ofAddress >= MAX_WAITING_PER_ADDRESS)
      throw new TaskgateError('rate-limited', 'too many devices wait to be signed in; try again in a few minutes');
    // No audit row: nobody has decided anything yet, and anybody may ask.
    await tx.deviceSignIn.create({
      data: {
        id: newId(services, 'dvc'),
        deviceHash: hashToken(deviceCode),
        userHash: hashToken(new SecretValue(userCode)),
        name,
        address: client.address,
        createdAt: new Date(now),
        expiresAt: new Date(now + DEVICE_SIGN_IN_MS),
        intervalMs: POLL_MS,
      },
    });
  };
  await withTransaction({ services }, write, { alone: 'devices' });
  return {
    deviceCode: deviceCode.reveal((text) => text),
    userCode,
    verificationUri: `${services.settings.webUrl}/device`,
    expiresInMs: DEVICE_SIGN_IN_MS,
    intervalMs: POLL_MS,
  };
}
