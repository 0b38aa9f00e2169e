const encoder = new TextEncoder();

export function hexBytes(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}

export function pemBytes(pem: string): Uint8Array<ArrayBuffer> {
  const body = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}

/** What the installation's key signs when a session ends: its domain, then the head as the store was given it. */
export function headMessage(
  sessionId: string,
  head: { readonly count: number; readonly hash: string },
): Uint8Array<ArrayBuffer> {
  return encoder.encode(`taskgate head\0${sessionId}\n${head.count}\n${head.hash}\n`);
}
