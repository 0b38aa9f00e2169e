import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { CHALLENGE_MS } from '../passkeys/challenge.ts';
import { passkeySite } from '../passkeys/passkey-site.ts';
import type { GrantRow } from './grant-row.ts';

/** Whether its owner said yes to the activation by a passkey, at most five minutes ago. */
export function isConfirmed({ confirmedAt }: Pick<GrantRow, 'confirmedAt'>, now: number): boolean {
  return confirmedAt !== null && confirmedAt.getTime() <= now && now - confirmedAt.getTime() <= CHALLENGE_MS;
}

/** Whether its activation asks for its owner's passkey. */
export const needsConfirmation = ({ stepUp }: Pick<GrantRow, 'stepUp'>): boolean =>
  stepUp === 'activation' || stepUp === 'both';

/** Throws `step-up-required` where the activation needs its owner's passkey and they have not given it just now. */
export function requireConfirmed({ services }: ServiceContext, grant: GrantRow): void {
  if (!needsConfirmation(grant)) return;
  if (isConfirmed(grant, services.clock.now())) return;
  throw new TaskgateError(
    'step-up-required',
    `its activation must be confirmed with a passkey: open ${passkeySite(services.settings).origin}/requests/${grant.id}?confirm=1`,
  );
}
