import { utf8Encode } from '@taskgate/core';

/**
 * The answer to a request for an MD5 password: `md5` and md5(md5(password, user) in hex, salt) in hex. Only for targets
 * that know nothing better. `md5Hex` gives 32 lower-case digits.
 */
export function md5Password(
  credential: { readonly user: string; readonly password: string; readonly salt: Uint8Array },
  md5Hex: (bytes: Uint8Array) => string,
): string {
  const inner = utf8Encode(md5Hex(utf8Encode(credential.password + credential.user)));
  const salted = new Uint8Array(inner.length + credential.salt.length);
  salted.set(inner);
  salted.set(credential.salt, inner.length);
  return `md5${md5Hex(salted)}`;
}
