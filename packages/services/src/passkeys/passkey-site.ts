import { TaskgateError } from '@taskgate/core';
import type { ServiceSettings } from '../context.ts';

/** Where passkeys are made and asked for: they belong to a host's name (WebAuthn section 5.1.2, effective domain). */
export interface PasskeySite {
  readonly origin: string;
  readonly rpId: string;
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]']);
const ADDRESS = /^(\[|[\d.]+$)/;

/**
 * From the web's own address. An address of this machine goes by its name, `localhost`, at which the same web answers.
 * Throws `not-supported` where passkeys cannot be.
 */
export function passkeySite({ webUrl }: Pick<ServiceSettings, 'webUrl'>): PasskeySite {
  const url = new URL(webUrl);
  if (LOOPBACK.has(url.hostname)) url.hostname = 'localhost';
  if (ADDRESS.test(url.hostname) || (url.protocol !== 'https:' && url.hostname !== 'localhost'))
    throw new TaskgateError(
      'not-supported',
      `passkeys need https and a host name, and this web is at \`${webUrl}\`; an admin can set NEXTAUTH_URL`,
    );
  return { origin: url.origin, rpId: url.hostname };
}
