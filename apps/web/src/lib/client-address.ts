/**
 * The address a call came from, as the server in front says (Next sets it from the socket where nothing is in front).
 * The last entry is the one that the nearest hop added; earlier ones are the client's own words.
 */
export function clientAddressOf(headers: Headers): string {
  const forwarded = headers.get('x-forwarded-for') ?? '';
  return forwarded.split(',').at(-1)?.trim().slice(0, 64) || 'unknown';
}
