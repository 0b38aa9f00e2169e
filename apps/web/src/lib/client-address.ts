import { PEER_HEADER, peersAreStamped } from './peer-address.ts';

const MAX_LENGTH = 64;

/**
 * The address a call came from. `behindProxy`: a server with TLS is in front, and the last entry of `X-Forwarded-For`
 * is what it added; earlier ones are the client's own words. With nothing in front every entry is, and only the peer of
 * the connection counts.
 */
export function clientAddressOf(headers: Headers, behindProxy: boolean): string {
  const peer = (peersAreStamped() ? headers.get(PEER_HEADER) : null) ?? 'unknown';
  const forwarded = behindProxy ? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined;
  return (forwarded || peer).slice(0, MAX_LENGTH);
}
