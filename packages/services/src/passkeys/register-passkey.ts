import { verifyRegistrationResponse } from '@simplewebauthn/server';
import { contract, type Registration } from '@taskgate/contracts';
import type * as z from 'zod';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { lockIdentities, requireUnchanged } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { ALGORITHMS } from './ask-to-register.ts';
import { takeChallenge, wrongPasskey } from './challenge.ts';
import { PASSKEY_SELECT, type PasskeyView, toPasskeyAudit, toPasskeyView, toPublicJwk } from './passkey-row.ts';
import { type PasskeySite, passkeySite } from './passkey-site.ts';

/** Ends a registration. What the authenticator says of its make is not asked for. */
export async function registerPasskey(ctx: ServiceContext, input: unknown): Promise<PasskeyView> {
  const { identityId } = requirePerson(ctx);
  const { name, registration } = parseInput(inputOf(contract.passkeys.register), input);
  const site = passkeySite(ctx.services.settings);
  const question = { purpose: 'register', identityId, subject: '' } as const;
  const { challenge } = await takeChallenge(ctx.services, registration.response.clientDataJSON, question);
  const { credential, synced } = await verified(registration, challenge, site);
  return withTransaction(ctx, async (tx) => {
    // Whose sign-in was ended meanwhile leaves no way to come back.
    await lockIdentities(tx, [identityId]);
    await requireUnchanged(tx, ctx);
    const row = await tx.passkey.create({
      data: {
        id: newId(ctx.services, 'psk'),
        identityId,
        credentialId: Buffer.from(credential.id, 'base64url'),
        publicKey: credential.publicKey,
        counter: BigInt(credential.counter),
        name,
        rpId: site.rpId,
        transports: registration.response.transports ?? [],
        synced,
        createdAt: new Date(ctx.services.clock.now()),
      },
      select: PASSKEY_SELECT,
    });
    await emitAudit(tx, ctx, {
      action: 'passkey.register',
      subjectKind: 'passkey',
      subject: row.id,
      before: null,
      after: toPasskeyAudit(row),
    });
    await notifyChange(tx, { topic: 'people', id: identityId, userId: identityId });
    return toPasskeyView(row, site);
  });
}

async function verified(
  { id, rawId, type, response }: z.output<typeof Registration>,
  challenge: string,
  site: PasskeySite,
) {
  try {
    const { clientDataJSON, attestationObject } = response;
    const { registrationInfo } = await verifyRegistrationResponse({
      response: { id, rawId, type, clientExtensionResults: {}, response: { clientDataJSON, attestationObject } },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!registrationInfo) throw new Error('the registration does not verify');
    const { credential, credentialDeviceType } = registrationInfo;
    if (toPublicJwk(credential.publicKey) === null) throw new Error('a key of a kind that is not supported');
    return { credential, synced: credentialDeviceType === 'multiDevice' };
  } catch (cause) {
    throw wrongPasskey('the passkey was not made as asked: it must verify who uses it, and be for this site', cause);
  }
}
