import type { SecretValue } from '@taskgate/core';

export type TlsModeName = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** All that it takes to open one connection to a resource. */
export interface ResourceTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** `ca` is PEM; `null`: the certificate authorities that the machine trusts. */
  readonly tls: { readonly mode: TlsModeName; readonly ca: string | null };
  readonly username: string;
  readonly secret: SecretValue;
  /** The password that is being set at the target just now: either may be the one that works. */
  readonly alternative?: SecretValue;
}

const STRENGTH: readonly TlsModeName[] = ['disable', 'require', 'verify-ca', 'verify-full'];

/**
 * Whether a secret that was given for `old` may be sent to `next` unseen. Anything else would let whoever may edit a
 * resource read its secret, by pointing it at a server of their own.
 */
export function mayReuseSecret(
  old: Omit<ResourceTarget, 'secret' | 'alternative' | 'database'>,
  next: Omit<ResourceTarget, 'secret' | 'alternative' | 'database'>,
): boolean {
  return (
    isSameRole(old, next) &&
    STRENGTH.indexOf(next.tls.mode) >= STRENGTH.indexOf(old.tls.mode) &&
    (old.tls.ca === next.tls.ca || STRENGTH.indexOf(old.tls.mode) < STRENGTH.indexOf('verify-ca'))
  );
}

type Role = Pick<ResourceTarget, 'host' | 'port' | 'username'>;
export const isSameRole = (old: Role, next: Role): boolean =>
  old.host === next.host && old.port === next.port && old.username === next.username;
