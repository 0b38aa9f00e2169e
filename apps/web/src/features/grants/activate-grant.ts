import { api } from '@/lib/api.ts';
import { askPasskey } from '@/lib/passkey.ts';
import type { ActivationView, GrantView } from '@/lib/views.ts';

/** Whether its owner's passkey must say yes first. */
export const needsConfirmation = ({ stepUp, confirmed }: Pick<GrantView, 'stepUp' | 'confirmed'>): boolean =>
  (stepUp === 'activation' || stepUp === 'both') && !confirmed;

/** Asks the owner's passkey for the yes. */
export async function confirmGrant(id: string): Promise<GrantView> {
  return api.grants.confirm({ id, assertion: await askPasskey(() => api.grants.askToConfirm({ id })) });
}

/** Starts the grant's time, with the passkey's yes where the task wants it. */
export async function activateGrant(grant: GrantView): Promise<ActivationView> {
  if (needsConfirmation(grant)) await confirmGrant(grant.id);
  return api.grants.activate({ id: grant.id });
}

export const activationLabel = (grant: Pick<GrantView, 'stepUp' | 'confirmed'>, otherwise: string): string =>
  needsConfirmation(grant) ? 'Confirm with passkey' : otherwise;
