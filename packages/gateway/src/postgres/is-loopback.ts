/** A peer on this machine, by the address of its socket: the one rule for where clear text may pass. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
