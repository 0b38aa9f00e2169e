import { assert } from '@taskgate/core';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CANONICAL = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[group >>> 18]! + ALPHABET[(group >>> 12) & 63]!;
    text += left > 1 ? ALPHABET[(group >>> 6) & 63]! : '=';
    text += left > 2 ? ALPHABET[group & 63]! : '=';
  }
  return text;
}

/** `null` unless `text` is the one padded base64 form of its bytes: two texts for one value would be two proofs. */
export function decodeBase64(text: string): Uint8Array | null {
  if (!CANONICAL.test(text)) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < text.length; i += 4) {
    let group = 0;
    for (let j = 0; j < 4; j++) group = (group << 6) | Math.max(0, ALPHABET.indexOf(text[i + j]!));
    for (let shift = 16; shift >= 0 && at < bytes.length; shift -= 8) bytes[at++] = group >>> shift;
  }
  assert(at === bytes.length, 'base64 has the length of its bytes');
  return encodeBase64(bytes) === text ? bytes : null;
}
