// The one reviewed place where a pure package touches an ambient codec: the same in Node and in browsers, without I/O.
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder('utf-8', { ignoreBOM: true });

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Up to here a loop over ASCII is quicker than to call the codec. */
const SHORT_BYTES = 48;

/** `null` for what is long, or not ASCII. */
function decodeShortAscii(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return '';
  if (bytes.length > SHORT_BYTES) return null;
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return null;
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** `null` where the bytes are not valid UTF-8. A byte order mark is kept: dropping it would change the bytes decided on. */
export function utf8Decode(bytes: Uint8Array): string | null {
  const ascii = decodeShortAscii(bytes);
  if (ascii !== null) return ascii;
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** For display only: invalid sequences become U+FFFD. */
export function utf8DecodeLossy(bytes: Uint8Array): string {
  return decodeShortAscii(bytes) ?? lossy.decode(bytes);
}
