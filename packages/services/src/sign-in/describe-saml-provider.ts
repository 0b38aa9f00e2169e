import { TaskgateError } from '@taskgate/core';
import type { Services } from '../context.ts';
import { findProvider, samlIdpOf, samlSpOf, settingsOf } from '../providers/provider-row.ts';

/** Metadata of this side, which is no secret: the identity provider reads it. Throws `not-found`. */
export async function describeSamlProvider(services: Services, name: string): Promise<string> {
  const settings = settingsOf(await findProvider(services.db, name));
  if (settings.kind !== 'saml') throw new TaskgateError('not-found', `there is no SAML provider \`${name}\``);
  const { describeServiceProvider } = await import('@taskgate/identity/saml');
  return describeServiceProvider(samlIdpOf(settings), samlSpOf(services, name));
}
