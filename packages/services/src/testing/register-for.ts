import type { SoftwareAuthenticator } from '@taskgate/testkit';
import type { ServiceContext } from '../context.ts';
import { askToRegister } from '../passkeys/ask-to-register.ts';
import type { PasskeyView } from '../passkeys/passkey-row.ts';
import { registerPasskey } from '../passkeys/register-passkey.ts';
import { PASSWORD } from './test-services.ts';

/** Where the tests' web has its passkeys: another name of the same address. */
export const PASSKEY_SITE = { origin: 'http://localhost:3000', rpId: 'localhost' };

/** Makes the device a passkey of the person's. */
export async function registerFor(ctx: ServiceContext, device: SoftwareAuthenticator): Promise<PasskeyView> {
  const registration = device.create(await askToRegister(ctx, { password: PASSWORD }));
  return registerPasskey(ctx, { name: 'laptop', registration });
}
