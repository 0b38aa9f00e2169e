import { type CreationOptions, contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { CHALLENGE_MS, openChallenge } from './challenge.ts';
import { credentialText, PASSKEY_SELECT } from './passkey-row.ts';
import { passkeySite } from './passkey-site.ts';
import { provePerson } from './prove-person.ts';

/** ES256, EdDSA, RS256: what authenticators make, and browsers verify. */
export const ALGORITHMS = [-7, -8, -257];
const MAX_PASSKEYS = 20;

/** Begins a registration, for a person who has just shown that it is they. */
export async function askToRegister(ctx: ServiceContext, input: unknown): Promise<z.infer<typeof CreationOptions>> {
  const actor = requirePerson(ctx);
  const proof = parseInput(inputOf(contract.passkeys.askToRegister), input);
  const { rpId } = passkeySite(ctx.services.settings);
  await provePerson(ctx, actor, proof);
  const { identityId } = actor;
  return withTransaction(ctx, async (tx) => {
    const known = await tx.passkey.findMany({ where: { identityId }, select: PASSKEY_SELECT });
    if (known.length >= MAX_PASSKEYS)
      throw new TaskgateError('conflict', `you have ${known.length} passkeys; remove one first`);
    return {
      challenge: await openChallenge(tx, ctx.services, { purpose: 'register', identityId, subject: '' }),
      rp: { id: rpId, name: 'Taskgate' },
      // The id of a person says nothing about them, and the passkey gives it back when they sign in.
      user: { id: Buffer.from(identityId).toString('base64url'), name: actor.email, displayName: actor.name },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      timeout: CHALLENGE_MS,
      attestation: 'none',
      excludeCredentials: known.map((row) => ({
        type: 'public-key',
        id: credentialText(row),
        transports: row.transports,
      })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    };
  });
}
